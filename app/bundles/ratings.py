"""评价 in process.yaml: the condition under which the one whom a case is about is not satisfied."""

from collections.abc import Mapping

from app.bundles.data_fields import DataField
from app.bundles.keys import Found
from app.engine.expressions import Expression, ExpressionRefused, compile_expression

RATED = "case.rated"
"""The milestone (`p:event`) of a step at which a case is rated."""
PATH = ("unsatisfied",)


def read_unsatisfied(given: str | None, data: Mapping[str, DataField], found: Found) -> Expression | None:
    """The condition; it reads what the case itself holds: nothing secret, nothing kept per item."""
    if given is None:
        return None
    try:
        condition = compile_expression(given, data, {})
    except ExpressionRefused as refused:
        rule = refused.rule.removeprefix("bpmn-")
        found.error(rule, PATH, f"unsatisfied 的条件“{given}”{refused.zh}", f"unsatisfied: {refused.en}")
        return None
    for name in sorted(condition.names):
        field = data.get(name)
        if field is not None and (field.secret or field.per_item):
            zh = f"“{name}”（{field.label}）是加密保存的，或各填各的，不能用在 unsatisfied 的条件里。"
            found.error("secret-in-condition", PATH, zh, f'"{name}" is secret or kept per item.')
    return condition.pruned()

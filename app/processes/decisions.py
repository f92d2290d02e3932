"""The decision tables of a bundle: each as a table, and what clocks and the diagram ask of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from app.bundles.bundle import Bundle
from app.bundles.data_fields import RESERVED
from app.bundles.files import DIAGRAM, SLA
from app.bundles.keys import finding, nearest
from app.bundles.limit_text import duration_error
from app.bundles.sla import ClockDef
from app.bundles.yaml_file import read_yaml
from app.cases.motion import WRITABLE
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.engine.check.words import plain
from app.engine.decisions import DecisionsUnreadable, check_decisions
from app.engine.decisions.tables import Table
from app.engine.source import Names

UNKNOWN = "bpmn-unknown-decision"


def ids(bundle: Bundle) -> frozenset[str]:
    """The decisions that may be asked; none while a file cannot be read."""
    return frozenset(_tables(bundle))


def check(bundle: Bundle, names: Names) -> list[Finding]:
    """What is wrong with the files of tables themselves."""
    choices = {name: field.options for name, field in bundle.process.data.items() if field.options}
    asked = _clocks_that_ask(bundle)
    found = [
        _weighed(each, asked.get(each.element or ""))
        for path, data in bundle.decisions.items()
        for each in check_decisions(path, data, names, choices)
    ]
    if any(each.level == "error" for each in found):
        return found
    try:
        _ = bundle.tables
    except DecisionsUnreadable as error:  # each file is in order by itself, together they are not
        first = next(iter(bundle.decisions))
        zh = f"{str(error).strip('（）')}。"
        found.append(
            Finding("error", "dmn-duplicate-id", first, None, error.element, zh, "Two decisions share an id.")
        )
    return found


def _clocks_that_ask(bundle: Bundle) -> dict[str, str]:
    """The tables that a clock asks, itself or through another, and what people call that clock; none where
    process.yaml says that a case without a matching rule has no limit."""
    tables, asked = _tables(bundle), dict[str, str]()
    for clock in bundle.sla.clocks.values() if bundle.process.no_match == "error" else ():
        ahead = [bundle.limit_table(each) for each in (clock.table, clock.extends_table) if each]
        while ahead:
            if (named := ahead.pop()) in tables and named not in asked:
                asked[named] = clock.label or clock.name
                ahead.extend(tables[named].requires)
    return asked


def _weighed(each: Finding, clock: str | None) -> Finding:
    """A gap is a remark about a table; where a clock asks the table, a case that falls into it would stop."""
    if each.rule != "dmn-gap" or clock is None:
        return each
    zh = (
        f"{each.zh}时钟“{clock}”问这张表，没有规则的办件会停下；"
        "允许没有时限的，请在 process.yaml 写 noMatch: null。"
    )
    en = f"{each.en} A clock asks this table: such a case would stop. Or write noMatch: null in process.yaml."
    return replace(each, level="error", zh=zh, en=en)


def check_use(bundle: Bundle, diagram: Diagram) -> list[Finding]:
    """What sla.yaml and the diagram ask of the tables; nothing while a table cannot be read."""
    tables = _tables(bundle)
    if bundle.decisions and not tables:
        return []
    return [*_limits(bundle, tables), *_written(bundle, diagram, tables), *_unused(bundle, diagram, tables)]


def _tables(bundle: Bundle) -> Mapping[str, Table]:
    try:
        return bundle.tables.tables
    except DecisionsUnreadable:
        return {}


def _limits(bundle: Bundle, tables: Mapping[str, Table]) -> Iterator[Finding]:
    """`limit: table(x)` needs a table with one duration for an answer."""
    if SLA not in bundle.files.files:
        return
    doc = read_yaml(SLA, bundle.files.files[SLA])
    if bundle.sla.limits and bundle.sla.limits not in bundle.decisions:
        zh = f"limits 写的 {bundle.sla.limits} 不存在；有{nearest(bundle.sla.limits, bundle.decisions)}。"
        yield finding("error", "limit-table-unknown", SLA, doc.line(("limits",)), zh, "No such file.")
        return
    for name, clock in bundle.sla.clocks.items():
        declared = bundle.process.data.get(clock.until)
        if clock.until and (declared is None or declared.secret or declared.type not in ("date", "datetime")):
            days = [each.name for each in bundle.process.data.values() if each.type in ("date", "datetime")]
            able = nearest(clock.until, days)
            zh = f"时钟“{name}”的 until 要写日期的名字，“{clock.until}”不是；可以写{able}。"
            line = doc.line(("clocks", name, "limit"))
            yield finding("error", "limit-no-date", SLA, line, zh, f'"{clock.until}" is no date.')
        for key, named in ((("limit",), clock.table), (("extendable", "by"), clock.extends_table)):
            if named:
                yield from _limit_table(bundle, tables, doc.line(("clocks", name, *key)), clock, named)


def _limit_table(
    bundle: Bundle, tables: Mapping[str, Table], line: int | None, clock: ClockDef, named: str
) -> Iterator[Finding]:
    what = f"时钟“{clock.name}”的{'时限' if named == clock.table else '延期'}"
    table = tables.get(bundle.limit_table(named))
    if table is None:
        zh = f"{what} table({named})：没有决策“{named}”；有{nearest(named, tables)}。"
        yield finding("error", "limit-table-unknown", SLA, line, zh, f'No decision "{named}".')
    elif len(table.results) != 1 or table.gives_lists:
        zh = (
            f"{what}要由{table.written.named.zh}给出一个时长，"
            "这张表却有几个输出，或命中方式会给出几行；请只留一个输出，命中方式用 UNIQUE 或 FIRST。"
        )
        yield finding("error", "limit-table-shape", SLA, line, zh, "A limit table gives one duration.")
    else:
        yield from _durations(bundle, table)


def _durations(bundle: Bundle, table: Table) -> Iterator[Finding]:
    file = _file_of(bundle, table.id)
    given: list[tuple[str, int | None, Any]] = [
        (rule.named.zh, rule.line, outputs[0])
        for rule, outputs in zip(table.written.rules, table.outputs, strict=True)
    ]
    if (default := table.results[0].default) is not None:
        given.append(("默认值", table.written.line, default))
    for where, line, output in given:
        if output.expression is not None or output.value is None:
            continue  # what an expression gives is looked at when the clock starts
        is_text = isinstance(output.value, str)
        wrong = (
            duration_error(output.value)
            if is_text
            else ("duration-invalid", '应为时长文字，例如 "P7D"。', "")
        )
        if wrong is not None:
            zh = f"{table.written.named.zh} 的{where}：{wrong[1]}"
            yield Finding(
                "error", wrong[0], file, line, table.id, zh, f"{table.written.named.en}: {wrong[2]}"
            )


def _written(bundle: Bundle, diagram: Diagram, tables: Mapping[str, Table]) -> Iterator[Finding]:
    """A rule task may not write what the case keeps by itself, nor what each of several fills in."""
    kept = [name for name in RESERVED if name not in WRITABLE]
    for node in diagram.every.values():
        if node.kind != "businessRuleTask":
            continue
        mapping = node.attributes.get("mapDecisionResult", "resultList")
        if node.attributes.get("resultVariable", "").strip() and mapping in ("resultList", "singleResult"):
            zh = (
                f"{node.named.zh} 用 {mapping} 取结果，得到的是整行记录，办件数据里存不下；"
                "一个值请写 mapDecisionResult singleEntry，一列值请写 collectEntries。"
            )
            en = f"{node.named.en} takes whole rows by {mapping}; use singleEntry or collectEntries."
            yield Finding("error", "decision-mapping", DIAGRAM, node.line, node.id, zh, en)
        for name in _targets(node.attributes, tables):
            if name in kept:
                kept_name = f"“{name}”（{RESERVED[name].label}）"
                zh = f"{node.named.zh} 把结果写入{kept_name}，它由系统填写，请改用 data 里的名字。"
                en = f'{node.named.en} writes "{name}", which the case keeps by itself.'
                yield Finding("error", "name-reserved", DIAGRAM, node.line, node.id, zh, en)
            declared = bundle.process.data.get(name)
            if declared is not None and (declared.per_item or declared.names):
                zh = (
                    f"{node.named.zh} 把结果写入“{name}”（{declared.label}），它由会签、协办的各项"
                    "或选择分类时填写，请改用别的名字。"
                )
                en = f'{node.named.en} writes "{name}", which is filled in elsewhere.'
                yield Finding("error", "name-reserved", DIAGRAM, node.line, node.id, zh, en)


def _targets(attributes: Mapping[str, str], tables: Mapping[str, Table]) -> Collection[str]:
    if variable := attributes.get("resultVariable", "").strip():
        return (variable,)
    table = tables.get(attributes.get("decisionRef", "").strip())
    return () if table is None else [result.name for result in table.results]


def _unused(bundle: Bundle, diagram: Diagram, tables: Mapping[str, Table]) -> Iterator[Finding]:
    used = {node.attributes.get("decisionRef", "").strip() for node in diagram.every.values()}
    asked = {name for clock in bundle.sla.clocks.values() for name in (clock.table, clock.extends_table)}
    used |= {bundle.limit_table(name) for name in asked if name}
    used |= {required for table in tables.values() for required in table.requires}
    for identifier, table in tables.items():
        if identifier not in used:
            zh = f"{table.written.named.zh} 没有被业务规则任务或时限用到。"
            file = _file_of(bundle, identifier)
            yield Finding(
                "warning", "decision-unused", file, table.written.line, identifier, zh, "Nothing asks it."
            )


def _file_of(bundle: Bundle, identifier: str) -> str:
    """The file a decision stands in."""
    mark = f'id="{plain(identifier)}"'.encode()
    return next((path for path, data in bundle.decisions.items() if mark in data), "decisions/")

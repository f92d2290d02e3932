"""Steps of several people: a list or a number that can be one, and a vote that can come about."""

from __future__ import annotations

import ast
import unicodedata
from dataclasses import replace

from app.engine.check.comparisons import Where
from app.engine.check.conditions import check_expression, own_names
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Report
from app.engine.check.nodes import BPMN, CAMUNDA, Node
from app.engine.check.words import Named, listed, meant, plain
from app.engine.source import Names
from app.engine.votes import COUNTERS, MOST_INSTANCES, VoteRefused, read_vote

VALUE = "bpmn-extension-value"
NO_LIST = "bpmn-multi-not-a-list"
TOO_MANY = "bpmn-multi-too-many"
ATTRIBUTES = frozenset({"collection", "elementVariable"})


def check_instances(report: Report, diagram: Diagram, names: Names, foreign: frozenset[str]) -> None:
    """Every element drawn as multi-instance, and every vote on one that is not."""
    for node in diagram.nodes.values():
        if node.id in foreign:
            continue
        if node.marker is None:
            _check_no_vote(report, node)
            continue
        _check_attributes(report, node)
        _check_variable(report, node)
        size = _check_size(report, diagram, names, node)
        condition = (node.marker.findtext(f"{BPMN}completionCondition") or "").strip()
        if condition:
            _check_condition(report, diagram, names, node, condition)
        if node.kind == "userTask":
            _check_vote(report, node, size, bool(condition))


def names_in(scope: Diagram, names: Names) -> Names:
    """The names that expressions of this scope may use: inside a repeated sub-process also its item."""
    items: dict[str, str] = {}
    inner: Diagram | None = scope
    while inner is not None:
        if inner.host is not None:
            items.update({name: "" for name in own_names(inner.host) if name not in items})
        inner = inner.outer
    return replace(names, data={**names.data, **items}) if items else names


def _check_no_vote(report: Report, node: Node) -> None:
    said = next((name for name in ("vote", "early") if name in node.properties), None)
    if node.kind == "userTask" and said is not None:
        report.error(
            "bpmn-vote-impossible",
            node,
            f"{node.named.zh} 写了表决规则 {said}，可是只有一个人办理。请把它标成多实例，或删去。",
            f"{node.named.en} has property {said}, but one person acts. Mark it multi-instance or delete it.",
        )


def _check_attributes(report: Report, node: Node) -> None:
    for key in node.marker.attrib:
        name = key[len(CAMUNDA) :]
        if not key.startswith(CAMUNDA) or name in ATTRIBUTES:
            continue
        zh, en = meant(name, ATTRIBUTES, "可写的", "known are")
        report.warning(
            "bpmn-unknown-extension",
            node,
            f"{node.named.zh} 多人办理的属性 camunda:{name} 不认识，不起作用；{zh}",
            f"{node.named.en} has unknown multi-instance attribute camunda:{name}, without effect; {en}",
        )


def _check_variable(report: Report, node: Node) -> None:
    name = (node.marker.get(f"{CAMUNDA}elementVariable") or "").strip()
    spelled = unicodedata.normalize("NFKC", name)
    if name and (not spelled.isidentifier() or spelled.startswith("_") or spelled != name):
        report.error(
            VALUE,
            node,
            f"{node.named.zh} 的 elementVariable“{plain(name)}”不能作名称；请用字母或汉字，如 item。",
            f'{node.named.en} has elementVariable "{plain(name)}", which is no name; write one such as item.',
        )


def _check_size(report: Report, diagram: Diagram, names: Names, node: Node) -> int | None:
    """How many sign, where that is drawn; else None."""
    collection = (node.marker.get(f"{CAMUNDA}collection") or "").strip()
    cardinality = (node.marker.findtext(f"{BPMN}loopCardinality") or "").strip()
    if bool(collection) is bool(cardinality):
        wrong = ("既写了名单又写了人数", "has both a list and a number") if collection else (
            "没有写办理人的名单", "does not say who they are"
        )  # fmt: skip
        report.error(
            NO_LIST,
            node,
            f"{node.named.zh} 由多人办理，可是{wrong[0]}。请只写 collection 或 loopCardinality。",
            f"{node.named.en} is multi-instance but {wrong[1]}. Write either collection or loopCardinality.",
        )
        return None
    if cardinality:
        return _check_count(report, diagram, names, node, cardinality)
    where = Where(node, node.named, Named("办理人名单 collection", "collection"), collection)
    expression = check_expression(report, diagram, names, where)
    if expression is None:
        return None
    if _is_no_list(expression.tree, names):
        row = listed(name for name, kind in names.data.items() if kind == "list")
        report.error(
            NO_LIST,
            node,
            f"{where.zh} 不是列表；process.yaml 中的列表有 {row.zh}。",
            f"{where.en} is no list; process.yaml's lists are {row.en}.",
        )
        return None
    if not isinstance(expression.tree, ast.List):
        return None
    size = len(expression.tree.elts)
    return None if _tell_too_many(report, where, size) else size


def _check_count(report: Report, diagram: Diagram, names: Names, node: Node, text: str) -> int | None:
    where = Where(node, node.named, Named("人数 loopCardinality", "loopCardinality"), text)
    expression = check_expression(report, diagram, names, where)
    if expression is None:
        return None
    match expression.tree:
        case ast.Constant(value=int(count)) if not isinstance(count, bool):
            return None if _tell_too_many(report, where, count) else count
        case ast.Name(id=name) if names.data.get(name) == "int":
            return None
        case ast.Constant() | ast.Name() | ast.List() | ast.Compare() | ast.BoolOp() | ast.UnaryOp():
            report.error(
                NO_LIST,
                node,
                f"{where.zh} 不是人数；请写 0 到 {MOST_INSTANCES} 的整数、整数数据，或 count(列表)。",
                f"{where.en} is no number of people; write a whole number, integer data or count(list).",
            )
    return None


def _tell_too_many(report: Report, where: Where, size: int) -> bool:
    if size > MOST_INSTANCES:
        report.error(
            TOO_MANY,
            where.at,
            f"{where.zh} 有 {size:,} 人，最多 {MOST_INSTANCES} 人。请分批，或改用居民投票。",
            f"{where.en} makes {size:,} people, the limit is {MOST_INSTANCES}. Split it, or use a poll.",
        )
    return size > MOST_INSTANCES


def _is_no_list(tree: ast.expr, names: Names) -> bool:
    """Whether this can never be a list."""
    match tree:
        case ast.Name(id=name):
            return names.data.get(name) != "list"
        case ast.IfExp(body=body, orelse=orelse):
            return _is_no_list(body, names) or _is_no_list(orelse, names)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _is_no_list(left, names) or _is_no_list(right, names)
        case ast.BoolOp(values=values):
            return any(_is_no_list(value, names) for value in values)
        case ast.List() | ast.Subscript():
            return False
        case ast.Constant(value=None):
            return False
    return True


def _check_condition(report: Report, diagram: Diagram, names: Names, node: Node, text: str) -> None:
    role = Named("结束条件 completionCondition", "completionCondition")
    check_expression(report, diagram, names, Where(node, node.named, role, text, ends=node, more=COUNTERS))
    said = next((name for name in ("vote", "early") if name in node.properties), None)
    if said is not None:
        report.error(
            VALUE,
            node,
            f"{node.named.zh} 同时写了 {said} 和 completionCondition。只能写一种表决规则，请删去一个。",
            f"{node.named.en} has both {said} and completionCondition. Keep one.",
        )


def _check_vote(report: Report, node: Node, size: int | None, by_condition: bool) -> None:
    if by_condition:
        return
    text, early = node.properties.get("vote"), node.properties.get("early")
    try:
        read_vote(text, early, [outcome.name for outcome in node.outcomes], size)
    except VoteRefused as refused:
        report.error(
            refused.rule,
            node,
            f"{node.named.zh} 的表决规则 vote“{plain(text or 'all')}”{refused.zh}",
            f'{node.named.en}: vote "{plain(text or "all")}" {refused.en}',
        )

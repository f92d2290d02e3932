"""Business rule tasks: a table that exists, and declared data for what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.check.diagram import Diagram
from app.engine.check.finding import Report
from app.engine.check.nodes import Node
from app.engine.check.words import DATA, Named, in_row, meant, plain
from app.engine.source import Names, Source
from app.engine.version import MAPPINGS

if TYPE_CHECKING:
    from app.engine.decisions import Decisions

VALUE = "bpmn-extension-value"
LISTS = ("collectEntries", "resultList")


def read_decisions(source: Source) -> Decisions | None:
    """The version's tables; None where they cannot be read, which is told of the files themselves."""
    from app.engine.decisions import DecisionsUnreadable, compile_decisions  # they use this package too

    try:
        return compile_decisions(source.decisions)
    except DecisionsUnreadable:
        return None


def check_business_rules(
    report: Report, diagram: Diagram, names: Names, foreign: frozenset[str], decisions: Decisions | None
) -> None:
    """Every business rule task that may stay."""
    for node in diagram.of_kind("businessRuleTask"):
        if node.id not in foreign and _check_decision(report, names, node) and _check_mapping(report, node):
            _check_variable(report, names, node, decisions)


def _check_decision(report: Report, names: Names, node: Node) -> bool:
    decision = node.attributes.get("decisionRef", "").strip()
    if decision in names.decisions:
        return True
    hint = meant(decision, names.decisions, "decisions/ 中", "decisions/ has")
    said = f"使用了决策表 {plain(decision)}" if decision else "没有写决策表 decisionRef"
    said_en = f'uses decision "{plain(decision)}"' if decision else "has no decisionRef"
    report.error(
        "bpmn-unknown-decision",
        node,
        f"{node.named.zh} {said}；{hint.zh}",
        f"{node.named.en} {said_en}; {hint.en}",
    )
    return False


def _check_mapping(report: Report, node: Node) -> bool:
    mapping = node.attributes.get("mapDecisionResult")
    if mapping is None or mapping in MAPPINGS:
        return True
    row = in_row([Named(each, each) for each in MAPPINGS])
    report.error(
        VALUE,
        node,
        f"{node.named.zh} 的 mapDecisionResult“{plain(mapping)}”不对；可写的有 {row.zh}。",
        f'{node.named.en} has mapDecisionResult "{plain(mapping)}"; known are {row.en}.',
    )
    return False


def _check_variable(report: Report, names: Names, node: Node, decisions: Decisions | None) -> None:
    variable = node.attributes.get("resultVariable", "").strip()
    mapping = node.attributes.get("mapDecisionResult", "resultList" if variable else "singleResult")
    if not variable and mapping != "singleResult":
        report.error(
            VALUE,
            node,
            f"{node.named.zh} 用 {mapping} 取结果，却没有写 resultVariable，结果没有去处。请写上数据的名称。",
            f"{node.named.en} takes its result by {mapping} but has no resultVariable. Name the data for it.",
        )
        return
    if variable:
        targets = [variable]
    else:
        table = None if decisions is None else decisions.tables.get(node.attributes["decisionRef"].strip())
        targets = [] if table is None else [result.name for result in table.results]
    for target in targets:
        if target not in names.data:
            hint = meant(target, names.data, *DATA)
            report.error(
                "bpmn-unknown-name",
                node,
                f"{node.named.zh} 把结果写入 {plain(target)}，没有该数据；{hint.zh}",
                f'{node.named.en} writes its result to "{plain(target)}"; {hint.en}',
            )
            return
    if variable and mapping in LISTS and names.data[variable] not in ("list", ""):
        report.warning(
            "bpmn-type-mismatch",
            node,
            f"{node.named.zh} 用 {mapping} 取结果，得到的是列表，而 {variable} 不是列表。"
            "只要一个值请写 singleEntry。",
            f"{node.named.en} takes a list by {mapping}, but {variable} is none. For one value: singleEntry.",
        )

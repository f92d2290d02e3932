"""Names that must exist elsewhere: forms, lanes, roles, clocks, steps, each with the list of known ones."""

from __future__ import annotations

from collections.abc import Iterable

from app.engine.check.conditions import check_step_expressions
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Report
from app.engine.check.nodes import Lane, Node, separated
from app.engine.check.words import listed, meant, named, plain
from app.engine.source import Names
from app.engine.version import START

UNKNOWN_ROLE = "bpmn-unknown-role"


def check_names(report: Report, diagram: Diagram, names: Names, foreign: frozenset[str]) -> None:
    """Every name a step, a start or a lane refers to."""
    for lane in diagram.lanes:
        _check_lane(report, diagram, names, lane)
    for node in diagram.of_kind("startEvent", "userTask"):
        if node.id in foreign:
            continue
        _check_form(report, names, node)
        if node.kind == "userTask":
            _check_clocks(report, names, node)
            _check_candidates(report, names, node, diagram.in_lane(node.id))
            _check_steps(report, diagram, node)
            check_step_expressions(report, diagram, names, node)
            _check_words(report, node)


def _check_form(report: Report, names: Names, node: Node) -> None:
    form = node.attributes.get("formKey", "").strip()
    if "formKey" in node.attributes and form not in names.forms:
        row = listed(names.forms)
        report.error(
            "bpmn-unknown-form",
            node,
            f"{node.named.zh} 使用了表单 {plain(form) or '（空）'}；forms/ 中有 {row.zh}。",
            f'{node.named.en} uses form "{plain(form)}"; forms/ has {row.en}.',
        )


def _check_clocks(report: Report, names: Names, node: Node) -> None:
    for clock in separated(node.properties.get("clock", "")):
        if clock not in names.clocks:
            row = listed(names.clocks)
            report.error(
                "bpmn-unknown-clock",
                node,
                f"{node.named.zh} 使用了时钟 {plain(clock)}；sla.yaml 中有 {row.zh}。",
                f'{node.named.en} uses clock "{plain(clock)}"; sla.yaml has {row.en}.',
            )


def _check_lane(report: Report, diagram: Diagram, names: Names, lane: Lane) -> None:
    what = named("lane", lane.id, lane.label)
    missing = [name for name in lane.nodes if name not in diagram.every]
    if missing:
        row = listed(missing)
        report.error(
            UNKNOWN_ROLE,
            lane,
            f"{what.zh} 列出了图中没有的节点 {row.zh}。请从泳道中删去。",
            f"{what.en} lists nodes that are not in the diagram: {row.en}. Remove them from the lane.",
        )
    elif lane.leaf and any(diagram.every[name].kind in ("userTask", "subProcess") for name in lane.nodes):
        if not lane.label:
            report.error(
                UNKNOWN_ROLE,
                lane,
                f"{what.zh} 没有名字。请写上 process.yaml 的 lanes 中的名字：{listed(names.lanes).zh}。",
                f"{what.en} has no name. Give it one from process.yaml's lanes: {listed(names.lanes).en}.",
            )
        elif lane.label not in names.lanes:
            row = listed(names.lanes)
            report.error(
                UNKNOWN_ROLE,
                lane,
                f"{what.zh} 在 process.yaml 的 lanes 中没有；那里有 {row.zh}。",
                f"{what.en} is not among process.yaml's lanes; there are {row.en}.",
            )


def _check_candidates(report: Report, names: Names, node: Node, in_lane: bool) -> None:
    groups = separated(node.attributes.get("candidateGroups", ""))
    for rule in groups:
        wrong = names.rule_error(rule)
        if wrong is not None:
            report.error(
                UNKNOWN_ROLE,
                node,
                f"{node.named.zh} 的候选规则 {plain(rule)} 有误：{wrong.rstrip('。')}。",
                f'{node.named.en} has candidate rule "{plain(rule)}", which is not understood.',
            )
    if not (groups or in_lane):  # a person named in assignee or candidateUsers is not looked for yet
        report.warning(
            UNKNOWN_ROLE,
            node,
            f"{node.named.zh} 不在任何泳道里，也没有写候选规则，不知道由谁办理。请把它画进泳道。",
            f"{node.named.en} lies in no lane and has no candidate rule, so nobody is asked to do it.",
        )


def _check_steps(report: Report, diagram: Diagram, node: Node) -> None:
    steps = list(diagram.steps)
    for name, words in (("returnTo", ("*", "none")), ("notSameAs", (START,))):
        for step in separated(node.properties.get(name, "")):
            if step not in steps and step not in words:
                _tell_unknown_step(report, node, name, step, steps)


def _tell_unknown_step(report: Report, node: Node, name: str, step: str, steps: Iterable[str]) -> None:
    hint = meant(step, steps, "图中的任务", "the tasks are")
    report.error(
        "bpmn-unknown-step",
        node,
        f"{node.named.zh} 的 {name} 写了 {plain(step)}，图中没有这个任务；{hint.zh}",
        f'{node.named.en} names "{plain(step)}" in {name}, which is no task of the diagram; {hint.en}',
    )


def _check_words(report: Report, node: Node) -> None:
    if not node.label:
        report.warning(
            "bpmn-label-missing",
            node,
            f"{node.named.zh} 没有名字。请写上办理人看得懂的名字，如“派遣”。",
            f"{node.named.en} has no label. Give it a name people understand.",
        )
    if not node.properties.get("status"):
        report.warning(
            "bpmn-no-status",
            node,
            f"{node.named.zh} 没有写状态 status，办件到这里时状态不会变。请写上，如“待派遣”。",
            f"{node.named.en} has no status, so the case keeps that of the step before. Write one.",
        )

"""Holds a scenario against the diagram, the forms, the clocks and the people before it is walked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.bundles import keys
from app.bundles.bundle import Bundle, open_file
from app.bundles.files import DIAGRAM
from app.bundles.keys import Found, nearest
from app.bundles.yaml_file import Path
from app.engine import durations
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.engine.check.nodes import Node
from app.identity.org_file import OrgFile
from app.processes.scenario_file import (
    ENVELOPE,
    SHAPE,
    VERBS,
    VERBS_NOT_YET,
    Scenario,
    Step,
    read_instant,
)


@dataclass(frozen=True)
class Against:
    """What scenarios are held against. `org` None leaves people unchecked; `refused` are ids of elements that
    the check of the diagram refused: what is said of them has been told there."""

    bundle: Bundle
    diagram: Diagram
    org: OrgFile | None
    refused: frozenset[str] = field(default=frozenset())


def read_scenario(file: str, data: bytes, against: Against) -> tuple[Scenario | None, list[Finding]]:
    """The scenario and what is wrong with it; None with errors."""
    findings: list[Finding] = []
    found = open_file(file, data, findings)
    if found is None:
        return None, findings
    given = found.doc.value
    if keys.check(SHAPE, given, found):
        read_instant(given["at"], found, ("at",))
        for i, step in enumerate(given["steps"]):
            _check_step(step, found, ("steps", i), against)
        if "start" not in given["steps"][0] and "note" not in given["steps"][0]:
            found.error(
                "scenario-start",
                ("steps", 0),
                "第一步应当是 start（登记一件）。",
                "The first step must be start.",
            )
    if found.failed:
        return None, found.findings
    at = read_instant(given["at"], found, ("at",))
    steps = [_step(step, found, ("steps", i)) for i, step in enumerate(given["steps"])]
    return Scenario(file, given["name"], at, tuple(steps)), found.findings  # type: ignore[arg-type]


def _step(given: Mapping[str, Any], found: Found, path: Path) -> Step:
    kind = next(iter(given))
    return Step(kind, given[kind], found.doc.line(path))


def _check_step(given: Mapping[str, Any], found: Found, path: Path, against: Against) -> None:
    if len(given) != 1:
        found.error(
            "scenario-step", path, "每一步只写一个键，例如 - claim: {…}。", "Each step has exactly one key."
        )
        return
    (kind, value), here = next(iter(given.items())), (*path, next(iter(given)))
    match kind:
        case "pass":
            try:
                duration = durations.parse_duration(value)
            except durations.DurationRefused as refused:
                found.error("duration-invalid", here, refused.zh, refused.en)
            else:
                if duration.needs_calendar:
                    zh = f"“{value}”要有工作日历，尚未开放；请写自然时间，例如 P3D。"
                    found.error("key-not-yet", here, zh, "Working days are not open yet.")
        case "at":
            read_instant(value, found, here)
        case "start":
            _check_who(value["by"], found, (*here, "by"), against)
            start = next(against.diagram.of_kind("startEvent"), None)
            if start is not None:
                _check_names(value["form"], start, found, (*here, "form"), against, ENVELOPE)
        case "claim" | "complete" | "do" | "refused":
            _check_act(kind, value, found, here, against)
        case "expect":
            _check_expect(value, found, here, against)


def _check_act(kind: str, value: Mapping[str, Any], found: Found, path: Path, against: Against) -> None:
    verb = value.get("verb", kind)
    allowed = ("unclaim",) if kind == "do" else tuple(VERBS)
    if verb in VERBS_NOT_YET:
        found.error(
            "key-not-yet",
            (*path, "verb"),
            f"操作“{verb}”尚未开放；现在可以写 {'、'.join(allowed)}。",
            f'Verb "{verb}" is not open yet.',
        )
    elif verb not in allowed:
        found.error(
            "scenario-verb",
            (*path, "verb"),
            f"没有操作“{verb}”；可以写{nearest(verb, allowed)}。",
            f'No verb "{verb}".',
        )
    _check_who(value["as"], found, (*path, "as"), against)
    node = against.diagram.steps.get(value["step"])
    if node is None or value["step"] in against.refused:
        _tell_unknown_step(value["step"], found, (*path, "step"), against)
        return
    if kind == "refused":
        return  # what is refused may be wrong on purpose
    outcomes = [outcome.name for outcome in node.outcomes]
    chosen = value.get("outcome")
    if kind == "complete" and (chosen or len(outcomes) > 1) and chosen not in outcomes:
        found.error(
            "scenario-outcome",
            (*path, "outcome") if chosen else path,
            f"环节“{node.label}”的办理结论有 {'、'.join(outcomes)}，现在是“{chosen or '空'}”。",
            f'Outcome "{chosen}" does not exist.',
        )
    if value.get("answers"):
        _check_names(value["answers"], node, found, (*path, "answers"), against)


def _check_names(
    answers: Mapping[str, Any],
    node: Node,
    found: Found,
    path: Path,
    against: Against,
    also: tuple[str, ...] = (),
) -> None:
    form = node.attributes.get("formKey", "").strip()
    if not form:
        _check_no_form([name for name in answers if name not in also], node, found, path, against)
        return
    if form not in against.bundle.forms:
        return  # told at the diagram
    known = [each.name for each in against.bundle.forms[form].fields]
    for name in answers:
        if name not in known and name not in also:
            found.error(
                "scenario-unknown-field",
                (*path, name),
                f"这一步的表单没有“{name}”；有{nearest(name, [*known, *also])}。",
                f'No field "{name}".',
            )


def _check_no_form(names: list[str], node: Node, found: Found, path: Path, against: Against) -> None:
    """Answers where the diagram names no form: said once here, and at the element that probably lacks it."""
    if not names:
        return
    found.error(
        "scenario-no-form",
        path,
        f"{node.named.zh} 没有表单（图中没有写 formKey），不能填写{'、'.join(names)}。",
        f"{node.named.en} has no form.",
    )
    if against.bundle.forms:
        forms = nearest(node.id, against.bundle.forms)
        zh = f"{node.named.zh} 没有写表单（formKey），场景却在这里填写了内容；forms/ 中有{forms}。"
        en = f"{node.named.en} has no formKey, but a scenario fills in answers there."
        found.findings.append(Finding("warning", "form-missing", DIAGRAM, node.line, node.id, zh, en))


def _tell_unknown_step(step: str, found: Found, path: Path, against: Against) -> None:
    if step not in against.refused:
        zh = f"图中没有环节“{step}”；有{nearest(step, against.diagram.steps)}。"
        found.error("scenario-unknown-step", path, zh, f'No step "{step}".')


def _check_who(who: str, found: Found, path: Path, against: Against) -> None:
    if against.org is not None and against.org.person(who) is None:
        names = [person.name for person in against.org.people]
        found.error(
            "scenario-unknown-person",
            path,
            f"机构文件里没有“{who}”；有{nearest(who, names)}。",
            f'Nobody is called "{who}".',
        )


def _check_expect(value: Mapping[str, Any], found: Found, path: Path, against: Against) -> None:
    bundle, diagram = against.bundle, against.diagram
    named = [("tasks", i, task.partition("@")[0]) for i, task in enumerate(value.get("tasks", []))]
    named += [("log", i, step) for i, step in enumerate(value.get("log", []))]
    for key, i, step in named:
        if step not in diagram.steps:
            _tell_unknown_step(step, found, (*path, key, i), against)
    for name, due in value.get("clocks", {}).items():
        if name not in bundle.sla.clocks:
            found.error(
                "clock-unknown",
                (*path, "clocks", name),
                f"没有时钟“{name}”；有{nearest(name, bundle.sla.clocks)}。",
                f'No clock "{name}".',
            )
        elif due not in ("running", "stopped"):
            read_instant(due, found, (*path, "clocks", name))
    tiers = [f"{tier.clock}.{tier.key}" for tier in bundle.sla.tiers]
    for i, tier in enumerate(value.get("tiers", [])):
        if tier not in tiers:
            found.error(
                "tier-unknown",
                (*path, "tiers", i),
                f"没有档“{tier}”；有{nearest(tier, tiers)}。",
                f'No tier "{tier}".',
            )
    ends = [node.id for node in diagram.of_kind("endEvent")]
    if "end" in value and value["end"] not in ends:
        found.error(
            "scenario-unknown-end",
            (*path, "end"),
            f"图中没有结束事件“{value['end']}”；有{nearest(value['end'], ends)}。",
            "No such end.",
        )

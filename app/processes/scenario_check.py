"""Holds a scenario against the diagram, the forms, the clocks and the people before it is walked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.bundles import keys
from app.bundles.bundle import Bundle, open_file
from app.bundles.files import DIAGRAM
from app.bundles.keys import Found, nearest
from app.bundles.yaml_file import Path
from app.clocks.rows import STATES
from app.engine import durations
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.engine.check.nodes import Node
from app.identity.org_file import OrgFile
from app.processes import external, scenario_cases
from app.processes.cross import inside
from app.processes.every_act import ACTS
from app.processes.scenario_file import ENVELOPE, Scenario, Step, read_instant
from app.processes.scenario_shape import COMING, DONE, OWN_STEP, SHAPE


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
        _check_first(given["steps"], found, against)
        scenario_cases.check(given["steps"], found, against.bundle)
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
                durations.parse_duration(value)
            except durations.DurationRefused as refused:
                found.error("duration-invalid", here, refused.zh, refused.en)
        case "at":
            read_instant(value, found, here)
        case "start":
            if not _check_start(value, found, here, against):
                return
            starts = against.diagram.of_kind("startEvent")
            start = next((each for each in starts if not each.definitions), None)
            if start is not None and "process" not in value:
                _check_names(value["form"], start, found, (*here, "form"), against, ENVELOPE)
        case "claim" | "complete" | "do" | "refused":
            _check_act(kind, value, found, here, against)
        case "message":
            _check_message(value["name"], "in", found, (*here, "name"), against)
            message = against.bundle.messages.get(value["name"])
            if message is not None and message.starts and "by" not in value:
                zh = "由消息登记办件时要写 by：谁发来。"
                found.error("key-missing", here, zh, '"by" is missing: who sends it.')
            if "by" in value:
                _check_who(value["by"], found, (*here, "by"), against)
        case "external":
            external.check_step(value, found, here, against.diagram)
        case "partner":
            _check_message(value["received"], "out", found, (*here, "received"), against)
        case "expect":
            _check_expect(value, found, here, against)


def _check_start(value: Mapping[str, Any], found: Found, path: Path, against: Against) -> bool:
    """By somebody with a form, or by one of the schedules; whether a form is there to be looked at."""
    if "schedule" in value:
        names = [each.name for each in against.bundle.process.schedules if each.process == against.bundle.key]
        if value["schedule"] not in names:
            zh = f"schedules 里没有登记本流程的“{value['schedule']}”；有{nearest(value['schedule'], names)}。"
            found.error("scenario-unknown-schedule", (*path, "schedule"), zh, "No such schedule.")
        return False
    for key, says in (("by", "谁登记"), ("form", "标题和登记表的内容")):
        if key not in value:
            found.error("key-missing", path, f"缺少“{key}”（{says}）。", f'"{key}" is missing.')
    if "by" in value:
        _check_who(value["by"], found, (*path, "by"), against)
    return "form" in value


def _check_first(steps: list[Mapping[str, Any]], found: Found, against: Against) -> None:
    """Before anything else a case is filed: by somebody, or by a message that starts one."""
    first = next((step for step in steps if "note" not in step), steps[0])
    message = against.bundle.messages.get(first["message"]["name"]) if "message" in first else None
    if "start" not in first and "note" not in first and (message is None or not message.starts):
        zh = "第一步应当是 start（登记一件），或一条登记办件的消息。"
        found.error("scenario-start", ("steps", steps.index(first)), zh, "The first step must file a case.")


def _check_act(kind: str, value: Mapping[str, Any], found: Found, path: Path, against: Against) -> None:
    _check_who(value["as"], found, (*path, "as"), against)
    verb = value.get("verb", kind)
    if not _check_verb(kind, verb, found, path):
        return
    act = ACTS[verb]
    on_task = ("step",) if act.of != "case" else ()
    known = [*act.keys, *on_task]
    for key in value:
        if key not in (*known, "as", "case", "verb", "problem"):
            zh = f"“{verb}”（{act.says}）不写“{key}”；可以写{nearest(key, known)}。"
            found.error("scenario-key", (*path, key), zh, f'"{verb}" takes no "{key}".')
    needed = [key for key, each in act.keys.items() if each.required] if kind == "do" else []
    for key in (*needed, *on_task):
        if key not in value:
            says = act.keys[key].says if key in act.keys else "环节"
            found.error("key-missing", path, f"缺少“{key}”（{says}）。", f'"{key}" is missing.')
    if act.of != "case" and "step" in value:
        if "/" in value["step"]:
            _check_called(value["step"], found, (*path, "step"), against)
        else:
            _check_task(kind, value, found, path, against)


def _check_verb(kind: str, verb: str, found: Found, path: Path) -> bool:
    allowed = DONE if kind == "do" else tuple(ACTS)
    if verb in allowed or kind == verb:
        return True
    if kind == "do" and verb in OWN_STEP:
        zh = f"“{verb}”有自己的一步，写成 - {verb}: {{…}}。"
        found.error("scenario-verb", (*path, "verb"), zh, f'Write "{verb}" as a step of its own.')
    elif verb in COMING:
        zh = f"操作“{verb}”尚未开放；现在可以写 {'、'.join(allowed)}。"
        found.error("key-not-yet", (*path, "verb"), zh, f'Verb "{verb}" is not open yet.')
    else:
        zh = f"没有操作“{verb}”；可以写{nearest(verb, allowed)}。"
        found.error("scenario-verb", (*path, "verb"), zh, f'No verb "{verb}".')
    return False


def _check_task(kind: str, value: Mapping[str, Any], found: Found, path: Path, against: Against) -> None:
    node = against.diagram.steps.get(value["step"])
    if node is None or value["step"] in against.refused:
        _tell_unknown_step(value["step"], found, (*path, "step"), against)
        return
    if kind == "do" and value.get("verb") == "return" and value["to"] not in against.diagram.steps:
        _tell_unknown_step(value["to"], found, (*path, "to"), against)
    if kind != "complete":
        return  # what is refused may be wrong on purpose
    outcomes = [outcome.name for outcome in node.outcomes]
    chosen = value.get("outcome")
    if (chosen or len(outcomes) > 1) and chosen not in outcomes:
        found.error(
            "scenario-outcome",
            (*path, "outcome") if chosen else path,
            f"环节“{node.label}”的办理结论有 {'、'.join(outcomes)}，现在是“{chosen or '空'}”。",
            f'Outcome "{chosen}" does not exist.',
        )
    if value.get("answers"):
        _check_names(value["answers"], node, found, (*path, "answers"), against)


def _check_called(step: str, found: Found, path: Path, against: Against) -> None:
    """A step inside a call activity; one of a case begun beside this one is not known here."""
    parts = against.bundle.parts
    known = [place for place, node in inside(parts) if node.kind == "userTask"]
    if step.partition("/")[0] in parts and step not in known:
        zh = f"调用的流程里没有环节“{step}”；有{nearest(step, known)}。"
        found.error("scenario-unknown-step", path, zh, f'No step "{step}".')


def _check_message(name: str, direction: str, found: Found, path: Path, against: Against) -> None:
    fitting = [each.name for each in against.bundle.messages.values() if each.direction == direction]
    if name not in fitting:
        does = "收到" if direction == "in" else "发出"
        zh = f"messages.yaml 里没有{does}的消息“{name}”；有{nearest(name, fitting)}。"
        found.error("scenario-unknown-message", path, zh, f'No message "{name}" of direction {direction}.')


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
        if "/" in step:
            _check_called(step, found, (*path, key, i), against)
        elif step not in diagram.steps:
            _tell_unknown_step(step, found, (*path, key, i), against)
    for name, due in value.get("clocks", {}).items():
        if name not in bundle.sla.clocks:
            found.error(
                "clock-unknown",
                (*path, "clocks", name),
                f"没有时钟“{name}”；有{nearest(name, bundle.sla.clocks)}。",
                f'No clock "{name}".',
            )
        elif due not in STATES:
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
    for i, person in enumerate(value.get("told", [])):
        _check_who(person, found, (*path, "told", i), against)
    ends = [node.id for node in diagram.of_kind("endEvent")]
    if "end" in value and value["end"] not in ends:
        found.error(
            "scenario-unknown-end",
            (*path, "end"),
            f"图中没有结束事件“{value['end']}”；有{nearest(value['end'], ends)}。",
            "No such end.",
        )

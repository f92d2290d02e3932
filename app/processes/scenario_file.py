"""scenarios/*.yaml: what people do and what must be true then, held against the diagram before it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.bundles import keys
from app.bundles.bundle import Bundle, open_file
from app.bundles.keys import Any_, Flag, Found, Key, Many, Named, Record, Text, nearest
from app.bundles.yaml_file import Path
from app.engine import durations
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.identity.org_file import OrgFile

ENVELOPE = ("title", "external_no", "place_unit", "received_at", "priority")
"""Names of a `start` form that belong to the filing itself; the others are answers."""

VERBS = {"claim": "签收", "complete": "办理", "unclaim": "退回待办池"}
VERBS_NOT_YET = [
    "transfer",
    "delegate",
    "resolve",
    "assignDown",
    "escalate",
    "addSigner",
    "removeSigner",
    "return",
    "withdraw",
    "rejectOrder",
    "requestExtension",
    "requestHold",
    "requestExclusion",
    "urge",
    "supervise",
    "assist",
    "cc",
    "read",
    "note",
    "attach",
    "link",
    "follow",
    "favourite",
    "suspend",
    "resume",
    "terminate",
    "revoke",
    "merge",
    "split",
    "rate",
    "reopen",
]

_STEP = Text(says="环节", longest=60)
_WHO = Text(says="人员姓名或账号", longest=60)
_ANSWERS = Named(Any_())
_TASK: dict[str, Key] = {"step": Key(_STEP, "环节", required=True), "as": Key(_WHO, "谁", required=True)}
_COMPLETE: dict[str, Key] = {
    **_TASK,
    "outcome": Key(Text(says="办理结论", longest=60), "办理结论；只有一个时可以不写"),
    "answers": Key(_ANSWERS, "表单答案；单位可以写编码或名称"),
    "opinion": Key(Text(says="意见", longest=2000), "意见"),
}
_EXPECT = Record(
    {
        "status": Key(Text(says="状态"), "办件状态"),
        "tasks": Key(
            Many(Text(says="环节，或 环节@单位")), "打开着的全部待办：环节，或 环节@单位、环节@人员"
        ),
        "clocks": Key(Named(Text(says="时间，或 running、stopped")), "时钟的到期时间，或 running、stopped"),
        "tiers": Key(Many(Text(says="时钟.档")), "已经到达的全部档：时钟.档"),
        "ended": Key(Flag(), "是否已经结束"),
        "end": Key(Text(says="结束事件的 id"), "停在哪个结束事件"),
        "log": Key(Many(_STEP), "先后办完的环节"),
        "data": Key(_ANSWERS, "办件数据里应有的值"),
        "told": Key(Any_(), not_yet="通知"),
    }
)
_STEPS: dict[str, Key] = {
    "start": Key(
        Record(
            {
                "by": Key(_WHO, "谁登记", required=True),
                "form": Key(_ANSWERS, "标题和登记表的内容", required=True),
            }
        ),
        "登记一件",
    ),
    "claim": Key(Record(_TASK), "签收"),
    "complete": Key(Record(_COMPLETE), "办理"),
    "do": Key(
        Record(
            {
                **_TASK,
                "verb": Key(Text(says="操作"), "操作", required=True),
                "reason": Key(Text(says="原因", longest=500), "原因"),
                "suggest": Key(Any_(), not_yet="建议单位"),
            }
        ),
        "其他操作；现在只有 unclaim",
    ),
    "pass": Key(Text(says="时长"), "过去多久，例如 PT3H"),
    "at": Key(Text(says="时间"), "到某一时刻"),
    "expect": Key(_EXPECT, "此刻应当如此；只写关心的"),
    "refused": Key(
        Record(
            {
                **_COMPLETE,
                "verb": Key(Text(says="操作"), "操作", required=True),
                "problem": Key(Text(says="错误代号"), "错误代号", required=True),
                "reason": Key(Text(says="原因", longest=500), "原因"),
            }
        ),
        "这样做应当被拒绝",
    ),
    "note": Key(Text(says="文字", longest=500), "说明"),
    "message": Key(Any_(), not_yet="外部消息"),
    "partner": Key(Any_(), not_yet="模拟对方系统"),
}
SHAPE = Record(
    {
        "name": Key(Text(says="名称", longest=100), "场景的名称，一句话", required=True),
        "at": Key(Text(says="时间"), "开始的时刻，带时区，例如 2026-03-02T09:00+08:00", required=True),
        "steps": Key(Many(Record(_STEPS), least=1, most=200), "步骤，每步只有一个键", required=True),
    }
)


@dataclass(frozen=True)
class Step:
    """One step: `kind` is its key, `given` what stands under it; `line` is where."""

    kind: str
    given: Any = field(hash=False)
    line: int | None


@dataclass(frozen=True)
class Scenario:
    """One scenario; `at` is aware."""

    file: str
    name: str
    at: datetime
    steps: tuple[Step, ...]


def read_scenario(
    file: str, data: bytes, bundle: Bundle, diagram: Diagram, org: OrgFile | None
) -> tuple[Scenario | None, list[Finding]]:
    """The scenario and what is wrong with it; None with errors. `org` None leaves people unchecked."""
    findings: list[Finding] = []
    found = open_file(file, data, findings)
    if found is None:
        return None, findings
    given = found.doc.value
    if keys.check(SHAPE, given, found):
        read_instant(given["at"], found, ("at",))
        for i, step in enumerate(given["steps"]):
            _check_step(step, found, ("steps", i), bundle, diagram, org)
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


def read_instant(text: str, found: Found, path: Path) -> datetime | None:
    """An aware instant, or None with a finding."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        found.error(
            "value-invalid",
            path,
            f"“{text}”不是带时区的时间，应写成 2026-03-02T09:00+08:00。",
            "Not an instant with offset.",
        )
        return None
    return at


def _step(given: Mapping[str, Any], found: Found, path: Path) -> Step:
    kind = next(iter(given))
    return Step(kind, given[kind], found.doc.line(path))


def _check_step(
    given: Mapping[str, Any], found: Found, path: Path, bundle: Bundle, diagram: Diagram, org: OrgFile | None
) -> None:
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
            _check_who(value["by"], found, (*here, "by"), org)
            _check_names(value["form"], _start_form(diagram), found, (*here, "form"), bundle, ENVELOPE)
        case "claim" | "complete" | "do" | "refused":
            _check_act(kind, value, found, here, bundle, diagram, org)
        case "expect":
            _check_expect(value, found, here, bundle, diagram)


def _check_act(
    kind: str,
    value: Mapping[str, Any],
    found: Found,
    path: Path,
    bundle: Bundle,
    diagram: Diagram,
    org: OrgFile | None,
) -> None:
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
    _check_who(value["as"], found, (*path, "as"), org)
    steps = dict(diagram.steps)
    if (node := steps.get(value["step"])) is None:
        found.error(
            "scenario-unknown-step",
            (*path, "step"),
            f"图中没有环节“{value['step']}”；有{nearest(value['step'], steps)}。",
            f'No step "{value["step"]}".',
        )
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
    if "answers" in value:
        _check_names(value["answers"], node.attributes.get("formKey"), found, (*path, "answers"), bundle)


def _check_names(
    answers: Mapping[str, Any],
    form: str | None,
    found: Found,
    path: Path,
    bundle: Bundle,
    also: tuple[str, ...] = (),
) -> None:
    known = (
        [field.name for field in bundle.forms[form].fields]
        if form is not None and form in bundle.forms
        else []
    )
    for name in answers:
        if name not in known and name not in also:
            found.error(
                "scenario-unknown-field",
                (*path, name),
                f"这一步的表单没有“{name}”；有{nearest(name, [*known, *also])}。",
                f'No field "{name}".',
            )


def _check_who(who: str, found: Found, path: Path, org: OrgFile | None) -> None:
    if org is not None and org.person(who) is None:
        names = [person.name for person in org.people]
        found.error(
            "scenario-unknown-person",
            path,
            f"机构文件里没有“{who}”；有{nearest(who, names)}。",
            f'Nobody is called "{who}".',
        )


def _check_expect(
    value: Mapping[str, Any], found: Found, path: Path, bundle: Bundle, diagram: Diagram
) -> None:
    steps = set(diagram.steps)
    for i, task in enumerate(value.get("tasks", [])):
        if task.partition("@")[0] not in steps:
            found.error(
                "scenario-unknown-step",
                (*path, "tasks", i),
                f"图中没有环节“{task.partition('@')[0]}”；有{nearest(task, sorted(steps))}。",
                "No such step.",
            )
    for i, step in enumerate(value.get("log", [])):
        if step not in steps:
            found.error(
                "scenario-unknown-step",
                (*path, "log", i),
                f"图中没有环节“{step}”；有{nearest(step, sorted(steps))}。",
                f'No step "{step}".',
            )
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


def _start_form(diagram: Diagram) -> str | None:
    return next((node.attributes.get("formKey") for node in diagram.of_kind("startEvent")), None)

"""What a diagram may do to clocks: pause, run on, extend; a side process does it to its parent case."""

from datetime import datetime
from typing import Any

from app.cases.attachments import models as attachments
from app.cases.commands.clocks import ClockCommand, ExtendClock, PauseClocks, ResumeClocks
from app.cases.handlers import Context, handler
from app.cases.motion import Motion
from app.cases.requests import deciding
from app.cases.verbs import clocks

OF, PARENT, START = "of", "parent", "start"
"""`of: parent` means the case that this one was begun for, and nothing where there is none: a side process
that is tried out by itself. Then what is asked for is granted by it."""


@handler(
    "clocks.pause",
    "暂停计时：sla.yaml 里 pauseOn 写了 kind（不写是 hold，挂账）的时钟停下，"
    "到 cap 为止（一个时刻，或最长多久，例如 P90D，不写 365 天），不论定时何时办到；"
    "evidence 写附件所在的环节（start 是登记时）；"
    "asked 是申请的时刻：那时没有超期、批准时已超期的，从申请时起停；of 写 parent 时是主办件的时钟",
    needs=("reason",),
    takes=("kind", "cap", "evidence", "asked", OF),
)
def pause(context: Context) -> None:
    """The clocks of the case, or of the case it was begun for, stand still."""
    motion, given = context.motion, context.params
    case_id = _whose(context)
    if case_id is None:
        return
    kind, reason = str(given.get("kind") or "hold"), str(given.get("reason") or "")
    evidence = tuple(_files(motion, given.get("evidence")))
    cap, asked = given.get("cap"), _instant(given.get("asked"))
    _do(motion, PauseClocks(case_id, kind, reason, _approver(motion), evidence, cap, asked))
    _granted(context)


@handler(
    "clocks.resume",
    "恢复计时：因 kind（不写是 hold，挂账）停下的时钟接着走；of 写 parent 时是主办件的时钟",
    needs=("reason",),
    takes=("kind", OF),
)
def resume(context: Context) -> None:
    """They run on."""
    motion, given = context.motion, context.params
    case_id = _whose(context)
    if case_id is not None:
        kind = str(given.get("kind") or "hold")
        _do(motion, ResumeClocks(case_id, kind, str(given.get("reason") or "")))


@handler(
    "clocks.extend",
    "延期：一个时钟按 sla.yaml 的 extendable 延长，by 写得更短就按它；"
    "asked 是申请的时刻，那时已超期的不能延；of 写 parent 时是主办件的时钟",
    needs=("clock", "reason"),
    takes=("by", "asked", OF),
)
def extend(context: Context) -> None:
    """A clock gets more time."""
    motion, given = context.motion, context.params
    case_id = _whose(context)
    if case_id is None:
        return
    at = _instant(given.get("asked"))
    reason, by = str(given.get("reason") or ""), str(given.get("by") or "")
    _do(motion, ExtendClock(case_id, str(given["clock"]), reason, by, _approver(motion), at))
    _granted(context)


def _files(motion: Motion, step: Any) -> list[str]:
    """The ids of what was attached at a step; at the start, of what its form took."""
    if step == START:
        form = motion.bundle.forms.get(motion.bundle.engine.start_form or "")
        names = [each.name for each in form.fields if each.asks == "files"] if form is not None else []
        return [one for name in names for one in motion.case["data"].get(name) or ()]
    files = attachments.kept(motion.session, motion.case["id"]) if step else ()
    return [file.id for file in files if file.step == step]


def _instant(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _whose(context: Context) -> str | None:
    case = context.motion.case
    above: str | None = case["parent_id"]
    return above if context.params.get(OF) == PARENT else above or str(case["id"])


def _granted(context: Context) -> None:
    if context.params.get(OF) == PARENT:
        deciding.decided(context.motion, "granted")


def _approver(motion: Motion) -> str | None:
    return motion.actor.id if motion.actor.kind == "person" else None


def _do(motion: Motion, command: ClockCommand) -> None:
    """At once in this case; in its turn in another one. Raises ClockRefused, which who acts is told."""
    if command.case_id != motion.case["id"]:
        motion.ask(command)
        return
    verb: Any = {PauseClocks: clocks.pause, ResumeClocks: clocks.resume, ExtendClock: clocks.extend}
    verb[type(command)](motion, command)

"""What each kind of request demands: who may ask, when it may be asked, and what it does to its case."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from app.bundles.forms import AnswersRefused
from app.cases import rejections
from app.cases.errors import AlreadyExcluded, RequestOverdue
from app.cases.motion import Motion, Row
from app.cases.requests.kinds import Kind
from app.cases.verbs import guard
from app.clocks import pausing
from app.clocks.pausing import ExtensionRefused, PauseRefused
from app.core.clock import BEIJING
from app.core.errors import FieldError

Known = dict[str, Any]


def asker(motion: Motion, task: Row, kind: Kind) -> str:
    """The unit that the request is of. Raises Forbidden for who may not ask."""
    guard.authority(motion, task)
    return rejections.unit_of(motion, task)


def check(motion: Motion, task: Row, kind: Kind, answers: Mapping[str, Any]) -> Known:
    """What the start form is told beside the answers. Raises what refuses this request now."""
    if kind.in_time and task["due_at"] is not None and task["due_at"] < motion.now:
        raise RequestOverdue(
            f"“{task['name']}”已于 {_minute(task['due_at'])} 到期，不能再申请{kind.called}。"
        )
    return _CHECKS.get(kind.key, _nothing)(motion, task, answers)


def _nothing(motion: Motion, task: Row, answers: Mapping[str, Any]) -> Known:
    return {}


CLOCK = "extension_clock"


def _extension(motion: Motion, task: Row, answers: Mapping[str, Any]) -> Known:
    """延期: of the clock that may be extended; which one must be said only where there are several."""
    may = {name: each for name, each in motion.bundle.sla.clocks.items() if each.extensions}
    if not may:
        raise ExtensionRefused("这件办件的时限都不可以延期。")
    live = [name for name in may if (clock := motion.board.newest(name)) is not None and clock.live]
    said = answers.get(CLOCK)
    if said is None and len(live) != 1 and len(may) > 1:
        names = "、".join(f"{name}（{each.label}）" for name, each in may.items())
        errors = [FieldError(f"/answers/{CLOCK}", "required", f"请写延哪一个时限：{names}。")]
        raise AnswersRefused(errors=errors)
    name = str(said or (live or list(may))[0])
    pausing.may_extend(motion.board, name)
    clock = motion.board.newest(name)
    due = clock.due_at if clock is not None else None
    told = {"extension_due": due.isoformat() if due else None, "extension_label": may[name].label}
    return told if said is not None else {CLOCK: name, **told}


UNTIL, LONGEST = "hold_until", timedelta(days=365)


def _hold(motion: Motion, task: Row, answers: Mapping[str, Any]) -> Known:
    """挂账: as often as process.yaml says (once), where a clock heeds it, for a year at most."""
    said = guard.allowed(motion, task, "requestHold").max
    most = 1 if said is None else said
    if pausing.times_paused(motion.board, "hold") >= most:
        raise PauseRefused(f"这件办件最多挂账 {most} 次，已经用完。")
    pausing.may_pause(motion.board, "hold")
    try:
        until = datetime.combine(date.fromisoformat(str(answers.get(UNTIL))), time(), BEIJING)
    except ValueError:
        return {}  # the form says what is wrong with it
    if not motion.now < until <= motion.now + LONGEST:
        message = "请写明天起、365 天以内的一天。"
        raise AnswersRefused(errors=[FieldError(f"/answers/{UNTIL}", "out-of-range", message)])
    return {"hold_ends": until.isoformat()}


def _exclusion(motion: Motion, task: Row, answers: Mapping[str, Any]) -> Known:
    """剔除: once is enough."""
    if motion.case["excluded"]:
        raise AlreadyExcluded
    return {}


_CHECKS: dict[str, Callable[[Motion, Row, Mapping[str, Any]], Known]] = {
    "extension": _extension,
    "hold": _hold,
    "exclusion": _exclusion,
}


def _minute(at: datetime) -> str:
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")

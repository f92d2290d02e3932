"""What each kind of request demands: who may ask, when it may be asked, and what it does to its case."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from app.bundles.forms import AnswersRefused
from app.cases import assign, rejections
from app.cases.errors import AlreadyExcluded, RequestOverdue
from app.cases.motion import Motion, Row
from app.cases.requests.kinds import Kind
from app.cases.sync import due_of
from app.cases.verbs import guard
from app.clocks import pausing
from app.clocks.pausing import ExtensionRefused, PauseRefused
from app.core import events
from app.core.clock import BEIJING
from app.core.errors import FieldError, Forbidden
from app.identity import org
from app.identity.actor import covers
from app.identity.org import Unit
from app.identity.permissions import CASE_CREATE, CASE_SUPERVISE, CASE_URGE

Known = dict[str, Any]


def unit_of(motion: Motion, task: Row, kind: Kind) -> str:
    """The unit that handles the case, which the request is of. Raises Forbidden for who may not ask."""
    if kind.by == "handler":
        guard.authority(motion, task)
        return rejections.unit_of(motion, task)
    handling = _handling(motion, task)
    if kind.by == "superior":
        _superior(motion, handling)
    elif not guard.filed(motion):
        # Of what a reporter asks: also who takes the call when he calls again.
        guard.right(motion, CASE_URGE if kind.by == "presser" else CASE_CREATE)
    return handling.code


def _handling(motion: Motion, task: Row) -> Unit:
    """The unit that owns the case (首接), or before that the one in whose pool the task lies."""
    pools = [name for name in task["pools"] if not name.startswith("person:")]
    nearest = assign.unit_path(pools[0]).rpartition("/")[2] if pools else motion.case["place_unit"]
    code = motion.case["owner_unit"] or nearest
    return org.units_by_code(motion.session, [code])[code]


def _superior(motion: Motion, handling: Unit) -> None:
    """Only who holds the right above the unit that handles; nobody in that unit itself."""
    actor = motion.actor
    guard.right(motion, CASE_SUPERVISE)
    above = any(
        handling.path != held and covers(held, handling.path)
        for held in actor.permissions.get(CASE_SUPERVISE, ())
    )
    if not above or handling.path in actor.unit_paths:
        events.security("forbidden", actor.id, motion.case["id"], {"permission": CASE_SUPERVISE})
        said = f"“{handling.name}”正在办理，只有它的上级可以督办。"
        raise Forbidden(said, permission=CASE_SUPERVISE)


def check(motion: Motion, task: Row, kind: Kind, answers: Mapping[str, Any]) -> Known:
    """What the start form is told beside the answers. Raises what refuses this request now."""
    due = due_of(motion, task)
    if kind.in_time and due is not None and due < motion.now:
        raise RequestOverdue(f"“{task['name']}”已于 {_minute(due)} 到期，不能再申请{kind.called}。")
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

"""What each kind of request demands: who may ask, when it may be asked, and what it does to its case."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from app.bundles.forms import AnswersRefused
from app.cases import rejections
from app.cases.errors import RequestOverdue
from app.cases.motion import Motion, Row
from app.cases.requests.kinds import Kind
from app.cases.verbs import guard
from app.clocks import pausing
from app.clocks.pausing import ExtensionRefused
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


def after(motion: Motion, kind: Kind, how: str) -> None:
    """What the case itself keeps of a decision, beside its timeline."""


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


_CHECKS: dict[str, Callable[[Motion, Row, Mapping[str, Any]], Known]] = {"extension": _extension}


def _minute(at: datetime) -> str:
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")

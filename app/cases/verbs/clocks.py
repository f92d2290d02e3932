"""暂停、恢复计时，延期: what a side request or the diagram decided about clocks; the tasks follow."""

from collections.abc import Sequence
from typing import Any

from app.cases.commands.clocks import ExtendClock, PauseClocks, ResumeClocks
from app.cases.motion import Motion
from app.cases.sync import set_dues
from app.cases.verbs import guard
from app.clocks import pausing
from app.clocks.rows import Timer
from app.core.events import Event


def pause(motion: Motion, command: PauseClocks) -> bool:
    """Clocks stand still; False when they stood already. Raises PauseRefused, CaseClosed."""
    guard.case_active(motion)
    why: dict[str, Any] = {"reason": guard.noted(command.reason, "暂停计时的原因")}
    if command.approver:
        why["approver"] = command.approver
    if command.evidence:
        why["evidence"] = list(command.evidence)
    if command.cap:
        why["cap"] = command.cap
    return _told(motion, pausing.pause(motion.board, command.kind, why, command.asked_at))


def resume(motion: Motion, command: ResumeClocks) -> bool:
    """Clocks run on; False when they ran already. Raises CaseClosed."""
    guard.case_active(motion)
    reason = guard.noted(command.reason, "恢复计时的原因")
    return _told(motion, pausing.resume(motion.board, command.kind, reason))


def extend(motion: Motion, command: ExtendClock) -> bool:
    """A clock gets more time. Raises ExtensionRefused, CaseClosed."""
    guard.case_active(motion)
    why: dict[str, Any] = {"reason": guard.noted(command.reason, "延期的原因")}
    if command.approver:
        why["approver"] = command.approver
    asked = command.asked_at
    return _told(motion, pausing.extend(motion.board, command.clock, why, command.by, asked))


def run_on(motion: Motion, timer: Timer) -> bool:
    """The longest time of a pause is over."""
    return _told(motion, pausing.at_cap(motion.board, timer))


def _told(motion: Motion, events: Sequence[Event]) -> bool:
    motion.events += events
    if events:
        set_dues(motion)
    return bool(events)

"""The clocks of a past case under any policy: what happened to it is told again to a board of its own."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.bundles.sla import ClockDef, Sla
from app.clocks import pausing
from app.clocks.board import Board
from app.clocks.calendar import Calendar
from app.clocks.limits import Limit
from app.clocks.rows import PAUSED, STOPPED, Clock
from app.core.events import Event

SUSPEND = "suspend"
"""挂起: whatever heeds it stands still when the case rests, whoever asked."""

UNDONE = "milestones.undone"
"""The case went back to before `milestones`: no event of the chain says which, who tells it again does."""

MET, LATE, RUNNING, NONE = "met", "late", "running", "none"
"""What became of a clock: stopped in time, late, on the way and not late, not there or without a limit."""


SETTLED = ("task.opened", "task.cancelled", "task.returned", "wait.opened", "case.closed", "case.cancelled")
"""What is told once the engine has come to rest: limits are asked for anew just before."""


@dataclass(frozen=True)
class Act:
    """One step of a case: when, the events that it told (name and data), the names whose values it wrote.

    Each event has its place among all events of the case.
    """

    at: datetime
    events: Sequence[tuple[int, Mapping[str, Any]]]
    wrote: frozenset[str] = frozenset()


@dataclass
class Rules:
    """A policy as a replay asks it; each question names the place of the event at which it is asked."""

    sla: Sla
    limit: Callable[[ClockDef, int, Board], Limit]
    extension: Callable[[ClockDef, int, Board], str]
    reads: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Clock → the names whose values decide its limit."""


def replay(case_id: str, acts: Sequence[Act], rules: Rules, calendar: Calendar, now: datetime) -> Board:
    """The board as it stands now. Raises what a table raises that has no answer."""
    board = Board(case_id, case_id, rules.sla, now, "", [], [], calendar_of=lambda: calendar)
    place = _Place()
    board.limit_of = lambda clock: rules.limit(clock, place.at, board)
    board.extension_of = lambda clock: rules.extension(clock, place.at, board)
    board.round_of = lambda: place.round
    for act in acts:
        board.now = act.at
        changed = {name for name, names in rules.reads.items() if names & act.wrote}
        place.extended = False
        rests = next((at for at, told in act.events if told["name"] in SETTLED), None)
        for place.at, told in act.events:
            if place.at == rests:
                board.ask_again(changed)
            _hear(board, told, place)
        board.ask_again(changed)
    board.now = now
    return board


def verdict(clock: Clock | None, now: datetime) -> str:
    """MET, LATE, RUNNING or NONE."""
    if clock is None or clock.allowance is None:
        return NONE
    if clock.state == PAUSED:
        return RUNNING
    assert clock.due_at is not None, "a clock with a limit that does not stand still is due"
    ended = clock.stopped_at if clock.state == STOPPED else now
    assert ended is not None
    if ended > clock.due_at:
        return LATE
    return MET if clock.state == STOPPED else RUNNING


@dataclass
class _Place:
    """Where the telling is: the event, the round, which kind of pause holds a clock, since when more time was
    asked for."""

    at: int = 0
    round: int = 0
    kinds: dict[str, str] = field(default_factory=dict)
    asked: datetime | None = None
    extended: bool = False
    """Whether this act gave more time already: what is extended with a clock follows from it."""


def _hear(board: Board, told: Mapping[str, Any], place: _Place) -> None:
    name = str(told["name"])
    if name == UNDONE:
        board.undo(told["milestones"])
        return
    if name.startswith("clock."):
        _moved(board, name.removeprefix("clock."), told, place)
        return
    if name == "case.redone":
        place.round = told["round"]
    if name == "case.reopened":
        place.round += 1
    if name == "request.opened" and told["kind"] == "extension":
        place.asked = board.now
    data = {key: value for key, value in told.items() if key != "name"}
    board.hear([Event(name, board.case_id, board.now, "", data)])
    if name == "case.suspended":
        pausing.stand_still(board, SUSPEND, {})
    elif name == "case.resumed":
        pausing.resume(board, SUSPEND, "")
    elif name in ("case.closed", "case.cancelled"):
        board.close()


def _moved(board: Board, what: str, told: Mapping[str, Any], place: _Place) -> None:
    """What was decided about clocks is kept; what only followed from the policy of then is worked out anew.

    A pause holds what heeds it and is not late; an extension is as long as it was granted, at most as long as
    this policy grants, and none where it would have been asked for too late or once too often.
    """
    clock = str(told["clock"])
    if what == "paused" and told["kind"] != SUSPEND:
        place.kinds[clock] = told["kind"]
        why = {key: told[key] for key in ("reason", "cap") if key in told}
        pausing.stand_still(board, told["kind"], why)
        if told.get("since"):  # granted late; under this policy it may have been asked for too late
            with suppress(pausing.PauseRefused):
                pausing.pause(board, told["kind"], why, datetime.fromisoformat(told["since"]))
    elif what == "resumed" and "reason" in told and clock in place.kinds:
        pausing.resume(board, place.kinds.pop(clock), told["reason"])
    elif what == "extended" and not place.extended:
        place.extended = True
        for by in (str(told["by"]), ""):
            try:
                pausing.extend(board, clock, {"reason": told.get("reason", "")}, by, place.asked)
                break
            except pausing.ExtensionRefused:
                continue

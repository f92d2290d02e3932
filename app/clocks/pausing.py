"""What moves due times beside events: pauses, what ends them, extensions, and another calendar."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.bundles import limit_text
from app.bundles.sla import PAUSES, ClockDef
from app.clocks import ledger
from app.clocks.board import Board
from app.clocks.ledger import Entry
from app.clocks.rows import PAUSED, RUNNING, Clock, Timer
from app.clocks.times import in_iso
from app.core.clock import BEIJING
from app.core.errors import Conflict
from app.core.events import Event

LONGEST_PAUSE = "P365D"
HOLD = "hold"
"""挂账: the kind of pause that marks a case."""
JOINED = "joined"
"""What the ledger says of a clock that began while the others stood still: no pause of its own."""


class ClockRefused(Conflict):
    """时限的规定不允许这样做。"""


class PauseRefused(ClockRefused):
    """这件办件现在不能暂停计时。"""


class ExtensionRefused(ClockRefused):
    """这个时限现在不能延期。"""


def pause(board: Board, kind: str, why: Mapping[str, Any], asked: datetime | None = None) -> list[Event]:
    """Every running clock that heeds this kind of pause stands still. Nothing when they stand already.

    `why` holds reason, approver, evidence (ids of attachments), and `cap`, after which a clock runs on by
    itself; without one LONGEST_PAUSE. `asked` is when it was asked for: a clock that was in time then and is
    late by now stands still from then on, for the time of the review is not its fault. Raises PauseRefused.
    """
    told = []
    for clock in may_pause(board, kind, asked):
        if clock.state == RUNNING:
            late = clock.due_at is not None and clock.due_at < board.now
            since = in_iso(_ran_from(board, clock, asked)) if asked is not None and late else None
            told.append(_paused(board, clock, kind, {**why, "since": since} if since else why))
    return told


def may_pause(board: Board, kind: str, asked: datetime | None = None) -> list[Clock]:
    """The clocks that heed this kind of pause and are in time, asked for now or then: one that is late runs
    on beside them. Raises PauseRefused where there is none, or all are late."""
    called = PAUSES.get(kind, kind)
    meant = [clock for clock in board.live() if kind in board.sla.clocks[clock.name].pauses]
    if not meant:
        raise PauseRefused(f"没有在走的时钟因{called}暂停。")
    then = asked or board.now
    in_time = [c for c in meant if c.state != RUNNING or c.due_at is None or c.due_at >= then]
    if not in_time:
        labels = "”“".join(board.sla.clocks[clock.name].label for clock in meant)
        raise PauseRefused(f"“{labels}”已经超期，不能再{called}。")
    return in_time


def times_paused(board: Board, kind: str) -> int:
    """How often the case was paused in this way, however many clocks stood still each time."""
    lines = (*board.history, *board.ledger)
    paused = [line for line in lines if line["entry"] == "paused" and line["detail"].get("kind") == kind]
    return len({line["at"] for line in paused if not line["detail"].get(JOINED)})


def holds(board: Board, kind: str) -> bool:
    """Whether a clock stands still by this kind of pause."""
    return any(_stands(board, clock, kind) for clock in board.live())


def stand_still(board: Board, kind: str, why: Mapping[str, Any]) -> list[Event]:
    """The case as a whole rests: whatever heeds that and is not late yet stands still; nothing is refused."""
    return [
        _paused(board, clock, kind, why)
        for clock in board.live()
        if clock.state == RUNNING
        and kind in board.sla.clocks[clock.name].pauses
        and (clock.due_at is None or clock.due_at >= board.now)
    ]


def join(board: Board, kind: str) -> list[Event]:
    """What heeds this kind of pause and starts while one lasts stands still with the others, as long."""
    lasting = (board.reckoned(clock).paused for clock in board.live() if _stands(board, clock, kind))
    pause = next((each for each in lasting if each is not None), None)
    started = [clock for clock in board.live() if clock.id in board.new_clocks and clock.state == RUNNING]
    if pause is None or not started:
        return []
    said = {name: pause.detail[name] for name in ("reason", "approver", "evidence") if name in pause.detail}
    why = {**said, "cap": in_iso(ledger.capped(pause)), JOINED: True}
    return [
        _paused(board, clock, kind, why) for clock in started if kind in board.sla.clocks[clock.name].pauses
    ]


def resume(board: Board, kind: str, reason: str) -> list[Event]:
    """What this kind of pause has stopped runs on, with the time it had left."""
    return [_resumed(board, clock, reason) for clock in board.live() if _stands(board, clock, kind)]


def at_cap(board: Board, timer: Timer) -> list[Event]:
    """The longest time of a pause is over: the clock runs on by itself, from the cap and not from now."""
    clock = next((clock for clock in board.live() if clock.id == timer.key), None)
    return [_resumed(board, clock, "暂停期满")] if clock is not None and clock.state == PAUSED else []


def extend(
    board: Board, name: str, why: Mapping[str, Any], by: str = "", asked: datetime | None = None
) -> list[Event]:
    """The newest instance of a clock gets more time: what the policy grants, or less where `by` says so; and
    so do those that run and are extended with it.

    `asked` is when it was asked for: once late, always late. Raises ExtensionRefused.
    """
    rule, clock = may_extend(board, name, asked)
    most = board.extension_of(rule)
    if not most:
        raise ExtensionRefused(f"按规定“{rule.label}”不可以延期。")
    start, calendar = clock.due_at or board.now, board.calendar
    if by and ledger.add(start, by, calendar) > ledger.add(start, most, calendar):
        raise ExtensionRefused(f"“{rule.label}”每次最多延长{limit_text.in_words(most)}。")
    by = by or most
    with_it = [each.name for each in board.sla.clocks.values() if each.extended_with == name]
    others = [each for each in map(board.newest, with_it) if each is not None and each.live]
    return [_longer(board, each, by, why) for each in (clock, *others)]


def may_extend(board: Board, name: str, asked: datetime | None = None) -> tuple[ClockDef, Clock]:
    """The clock, which may be extended once more, asked for now or then. Raises ExtensionRefused."""
    rule, clock = board.sla.clocks.get(name), board.newest(name)
    if rule is None or not rule.extensions:
        raise ExtensionRefused(f"“{rule.label if rule else name}”不可以延期。")
    if clock is None or not clock.live:
        raise ExtensionRefused(f"“{rule.label}”没有在走，不能延期。")
    if clock.due_at is not None and clock.due_at < (asked or board.now):
        late = clock.due_at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
        raise ExtensionRefused(f"申请时“{rule.label}”已经超期（到期 {late}），不能延期。")
    if sum(line.entry == "extended" for line in board.entries(clock)) >= rule.extensions:
        raise ExtensionRefused(f"“{rule.label}”最多延期 {rule.extensions} 次，已经用完。")
    return rule, clock


def _longer(board: Board, clock: Clock, by: str, why: Mapping[str, Any]) -> Event:
    board.write(clock, "extended", {"by": by, **why})
    clock = board.settle(clock)
    return board.tell("extended", clock, by=by, due=in_iso(clock.due_at), **why)


def recount(board: Board) -> list[tuple[Clock, Clock]]:
    """Due times by the calendar in force now; returns the clocks that it moved, as they were and are."""
    moved = []
    for clock in board.live():
        by = board.calendar.region, board.calendar.version
        if clock.calendar is None or (clock.region, clock.calendar) == by:
            continue
        after = board.settle(clock)
        if after.due_at != clock.due_at:
            was, due = in_iso(clock.due_at), in_iso(after.due_at)
            by_it = {"calendar": after.calendar, "region": after.region}
            board.write(after, "recounted", {"was": was, "due": due, **by_it})
            moved.append((clock, after))
    return moved


def _paused(board: Board, clock: Clock, kind: str, why: Mapping[str, Any]) -> Event:
    detail = {"kind": kind, "cap": LONGEST_PAUSE, **why}
    board.write(clock, "paused", detail)
    clock = board.settle(replace(clock, state=PAUSED))
    until = ledger.capped(ledger.pause_of(Entry(board.now, "paused", detail)))
    assert until is not None
    board.alarms.cap(clock.id, until)
    return board.tell("paused", clock, until=in_iso(until), **detail)


def _ran_from(board: Board, clock: Clock, asked: datetime) -> datetime:
    """No earlier than the clock last began to run: a pause never counts what another one gave back."""
    ran = [line.at for line in board.entries(clock) if line.entry in ("started", "resumed")]
    return max(asked, *ran)


def _resumed(board: Board, clock: Clock, reason: str) -> Event:
    board.write(clock, "resumed", {"reason": reason})
    clock = board.settle(replace(clock, state=RUNNING))
    board.alarms.uncap(clock.id)
    return board.tell("resumed", clock, due=in_iso(clock.due_at), reason=reason)


def _stands(board: Board, clock: Clock, kind: str) -> bool:
    return clock.state == PAUSED and _kind_of(board, clock) == kind


def _kind_of(board: Board, clock: Clock) -> str:
    last = [line for line in board.entries(clock) if line.entry == "paused"][-1]
    return str(last.detail.get("kind"))

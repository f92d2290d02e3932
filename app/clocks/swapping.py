"""A case goes over to another policy of its process: what stands in the way, what moves its clocks."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.bundles.sla import PER_ROUND, PER_START, PER_UNIT, ClockDef, Sla, event_parts
from app.clocks.board import Board, full_name
from app.clocks.pausing import ClockRefused
from app.clocks.rows import Clock
from app.core.events import Event

PER_TASK = "task.opened"
KINDS = {
    "": "一件一个",
    PER_TASK: "每次打开环节一个",
    PER_ROUND: "每一轮一个",
    PER_UNIT: "每个单位一个",
    PER_START: "每次起算一个",
}


class SwapRefused(ClockRefused):
    """这件办件换不了时限规则。"""


@dataclass(frozen=True)
class Swapped:
    """A running clock as it was and as it is. `passed` are the tiers (labels) that lie behind by now and were
    not reached before, `fires` the elements of the diagram that wait for it and act at once."""

    was: Clock
    now: Clock
    label: str
    passed: tuple[str, ...]
    fires: tuple[str, ...]


def to_come(board: Board) -> bool:
    """Whether a tier was reached that nobody has marked yet: first it is, as the policy of then says."""
    flags = (timer for timer in board.timers if timer.kind == "flag" and timer.state == "armed")
    return any(flag.due_at is not None and flag.due_at <= board.now for flag in flags)


def differing_stops(board: Board, sla: Sla) -> bool:
    """Whether some clock that runs would be stopped by another event: only then is its past looked at."""
    return any(
        clock.name in sla.clocks and sla.clocks[clock.name].stop != board.sla.clocks[clock.name].stop
        for clock in board.live()
    )


def go_over(
    board: Board, version: str, sla: Sla, happened: Iterable[Event] = ()
) -> tuple[list[Swapped], list[Event]]:
    """All clocks that run go by the policy of `version` from now on; those that have stopped keep theirs.

    `happened` is what the case told so far, as far as `differing_stops` asks for it. Raises SwapRefused, and
    what a table of limits raises that has no answer.
    """
    live = board.live()
    _refuse_misfits(board, live, sla, list(happened))
    board.sla, board.policy = sla, version
    told, swapped = [], []
    for clock in live:
        told.append(board.go_over(clock))
        after = next(each for each in board.clocks if each.id == clock.id)
        swapped.append(Swapped(clock, after, sla.clocks[clock.name].label, *_behind(board, after)))
    return swapped, told


def _refuse_misfits(board: Board, live: list[Clock], sla: Sla, happened: list[Event]) -> None:
    for clock in live:
        was, will = board.sla.clocks[clock.name], sla.clocks.get(clock.name)
        if will is None:
            raise SwapRefused(f"“{was.label}”还在走，新规则里没有这个时钟。")
        if (before := _kind(was)) != (after := _kind(will)):
            raise SwapRefused(f"“{was.label}”还在走，原来{KINDS[before]}，新规则里{KINDS[after]}。")
        if was.stop != will.stop and any(_stops(event, clock, will) for event in happened):
            raise SwapRefused(
                f"“{was.label}”还在走，新规则里它由“{will.stop}”停止，而这件已经过了那一步，不会再停。"
            )


def _kind(clock: ClockDef) -> str:
    opened = event_parts(clock.start)[0] == PER_TASK
    return clock.per or (PER_TASK if opened else "")


def _stops(event: Event, clock: Clock, drawn: ClockDef) -> bool:
    own = not clock.of_a_task or event.data.get("ref") == clock.instance
    return own and event.at >= clock.started_at and full_name(event) == drawn.stop


def _behind(board: Board, clock: Clock) -> tuple[tuple[str, ...], tuple[str, ...]]:
    flags = ((tier, board.alarms.flag(clock.id, tier.key)) for tier in board.sla.tiers_of(clock.name))
    passed = [
        tier.label
        for tier, flag in flags
        if flag is not None and flag.state == "armed" and flag.due_at is not None and flag.due_at <= board.now
    ]
    fires = [
        timer.tier
        for timer in board.alarms.bound_to(clock.id)
        if timer.state in ("armed", "claimed") and timer.due_at is not None and timer.due_at <= board.now
    ]
    return tuple(passed), tuple(fires)

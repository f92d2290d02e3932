"""What moves due times beside events: pauses, what ends them, extensions, and another calendar."""

from datetime import datetime

from app.clocks.board import Board
from app.clocks.rows import Clock


def recount(board: Board) -> list[tuple[Clock, Clock]]:
    """Due times by the calendar in force now; returns the clocks that it moved, as they were and are."""
    moved = []
    for clock in board.live():
        if clock.calendar is None or clock.calendar == board.calendar.version:
            continue
        after = board.settle(clock)
        if after.due_at != clock.due_at:
            was, due = _text(clock.due_at), _text(after.due_at)
            board.write(after, "recounted", {"was": was, "due": due, "calendar": after.calendar})
            moved.append((clock, after))
    return moved


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None

"""Writes down what boards gathered: clocks, timers and ledger, one statement a table for all of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, insert, update

from app.clocks.board import Board
from app.clocks.models import clock_ledger, clocks, timers
from app.clocks.rows import Timer
from app.core import dialects
from app.core.db import Session

_TIMER = ("state", "generation", "due_at", "fired_at")


def updating(table: Table, columns: tuple[str, ...]) -> Any:
    """An UPDATE by `row_id` that sets these columns to `new_…`."""
    return (
        update(table)
        .where(table.c.id == bindparam("row_id"))
        .values({name: bindparam(f"new_{name}", type_=table.c[name].type) for name in columns})
    )


_UPDATE_TIMER = updating(timers, _TIMER)
_INSERT_TIMER = insert(timers)
_INSERT_LEDGER = insert(clock_ledger)


def save(session: Session, boards: Sequence[Board], now: datetime) -> None:
    """At most four statements, however many cases the boards belong to."""
    for statement, rows in (
        (dialects.upsert(session.dialect, clocks, ("id",)), [row for b in boards for row in _clocks(b)]),
        (_INSERT_TIMER, [_timer(board, timer) for board in boards for timer in board.alarms.new.values()]),
        (_UPDATE_TIMER, [_moved(timer, now) for board in boards for timer in board.alarms.changed.values()]),
        (_INSERT_LEDGER, [line for board in boards for line in board.ledger]),
    ):
        if rows:
            session.write(statement, rows)


def _clocks(board: Board) -> list[dict[str, Any]]:
    moved = [*board.new_clocks.values(), *board.changed_clocks.values()]
    return [{**vars(clock), "case_id": board.case_id} for clock in moved]


def _timer(board: Board, timer: Timer) -> dict[str, Any]:
    unused = {"attempts": 0, "deaths": 0, "begun": False}
    return {**vars(timer), "root_id": board.root_id, "case_id": board.case_id, **unused}


def _moved(timer: Timer, now: datetime) -> dict[str, Any]:
    return _changed({**vars(timer), "fired_at": now if timer.state == "fired" else None}, _TIMER)


def _changed(row: Mapping[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    return {"row_id": row["id"], **{f"new_{name}": row[name] for name in columns}}

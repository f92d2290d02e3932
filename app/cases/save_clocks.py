"""Writes down what boards gathered: clocks, timers and ledger, one statement a table for all of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, insert, update

from app.clocks.board import Board
from app.clocks.models import clock_ledger, clocks, timers
from app.core import dialects
from app.core.db import Session

_MOVES = ("state", "generation", "due_at", "fired_at")


def updating(table: Table, columns: tuple[str, ...]) -> Any:
    """An UPDATE by `row_id` that sets these columns to `new_…`."""
    return (
        update(table)
        .where(table.c.id == bindparam("row_id"))
        .values({name: bindparam(f"new_{name}", type_=table.c[name].type) for name in columns})
    )


_INSERT_LEDGER = insert(clock_ledger)


def save(session: Session, boards: Sequence[Board], now: datetime) -> None:
    """At most three statements, however many cases the boards belong to."""
    for statement, rows in (
        (dialects.upsert(session.dialect, clocks, ("id",)), [row for b in boards for row in _clocks(b)]),
        (
            dialects.upsert(session.dialect, timers, ("id",), _MOVES),
            [row for board in boards for row in _timers(board, now)],
        ),
        (_INSERT_LEDGER, [line for board in boards for line in board.ledger]),
    ):
        if rows:
            session.write(statement, rows)


def _clocks(board: Board) -> list[dict[str, Any]]:
    moved = [*board.new_clocks.values(), *board.changed_clocks.values()]
    return [{**vars(clock), "case_id": board.case_id} for clock in moved]


def _timers(board: Board, now: datetime) -> list[dict[str, Any]]:
    """New ones first: one that moves on may take the place of another."""
    told = {"root_id": board.root_id, "case_id": board.case_id, "attempts": 0, "deaths": 0, "begun": False}
    timers = [*board.alarms.new.values(), *board.alarms.changed.values()]
    return [{**vars(each), **told, "fired_at": now if each.state == "fired" else None} for each in timers]

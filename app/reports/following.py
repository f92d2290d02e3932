"""Keeps the counted row of a case, in the transaction that moves it; nothing is read for it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, insert, update

from app.bundles.counting import JUDGED, Counting
from app.cases.motion import Motion, Row
from app.clocks.rows import Clock
from app.core.db import Instant, Session
from app.identity import org
from app.identity.org import Unit
from app.identity.scopes import unit_scope
from app.reports.models import counted_cases as counted

DISPATCHED, RETURNED = "case.dispatched", "case.returned"
_OWN = ("org_path", "unit", "category", "state", "closed_at", "due_at", "met_at", "round", "excluded", "held")
_KEPT = (*_OWN, *JUDGED)

_COLUMNS = ("org_path", "place_unit", "state", "closed_at", "round", "excluded", "on_hold")
"""Columns of the case itself that are counted."""

_INSERT = insert(counted)
_CHANGE = (
    update(counted)
    .where(counted.c.case_id == bindparam("row_id"))
    .values(
        {name: bindparam(f"new_{name}", type_=counted.c[name].type) for name in _KEPT}
        | {
            "dispatched_at": func.coalesce(
                counted.c.dispatched_at, bindparam("new_dispatched", type_=Instant)
            ),
            "returns": counted.c.returns + bindparam("more"),
        }
    )
)


def follow(motions: Sequence[Motion]) -> None:
    """New cases get a row; of the others those are written in which something that is counted has moved."""
    born = [row_of(each, rule) for each in motions if each.new and (rule := _rule(each))]
    moved = [
        _change(each, rule)
        for each in motions
        if not each.new and (rule := _rule(each)) and _moved(each, rule)
    ]
    if born:
        motions[0].session.write(_INSERT, born)
    if moved:
        motions[0].session.write(_CHANGE, moved)


def bring_along(session: Session, unit: Unit, old: str, new: str) -> None:
    """A unit moves: what happened there is counted there, under its new path."""
    column = counted.c.org_path
    for before, after in ((old, new), (org.SEALED + old, org.SEALED + new)):
        under = update(counted).where(unit_scope((before,), column))
        session.execute(under.values(org_path=org.moved(column, before, after)))


def row_of(motion: Motion, rule: Counting) -> Row:
    """The whole row of a case."""
    case, times = motion.case, _times(motion)
    at_once = case["received_at"] if DISPATCHED not in motion.bundle.milestones else None
    return {
        "case_id": case["id"],
        "process_key": case["process_key"],
        "received_at": case["received_at"],
        "dispatched_at": times or at_once,
        "returns": _returns(motion),
        **_kept(motion, rule),
    }


def _rule(motion: Motion) -> Counting | None:
    return motion.bundle.process.statistics


def _moved(motion: Motion, rule: Counting) -> bool:
    """Most steps move nothing that is counted: they cost no statement."""
    case, board = motion.case, motion.board
    if motion.sealed and not motion.stays_sealed:
        return True  # it is counted above from now on
    names = [name for name in (rule.unit, rule.category, *rule.judged.values()) if name is not None]
    return (
        any(case.get(name) != motion.was.get(name) for name in _COLUMNS)
        or any(case["data"].get(name) != motion.before.get(name) for name in names)
        or any(
            clock.name == rule.clock for clock in (*board.new_clocks.values(), *board.changed_clocks.values())
        )
        or any(event.name in (DISPATCHED, RETURNED) for event in motion.events)
    )


def _change(motion: Motion, rule: Counting) -> Row:
    row = {f"new_{name}": value for name, value in _kept(motion, rule).items()}
    more = {"new_dispatched": _times(motion), "more": _returns(motion)}
    return {"row_id": motion.case["id"], **row, **more}


def _kept(motion: Motion, rule: Counting) -> Row:
    case, clock = motion.case, _clock(motion, rule.clock)
    return {
        "org_path": motion.kept_path,
        "unit": case["data"].get(rule.unit) if rule.unit is not None else case["place_unit"],
        "category": _category(motion, rule.category),
        "state": case["state"],
        "closed_at": case["closed_at"],
        "due_at": clock.due_at if clock is not None else None,
        "met_at": clock.stopped_at if clock is not None else None,
        "round": case["round"],
        "excluded": bool(case.get("excluded")),
        "held": bool(case.get("on_hold")),
        **{name: case["data"].get(rule.judged.get(name, "")) for name in JUDGED},
    }


def _category(motion: Motion, name: str | None) -> str | None:
    code = motion.case["data"].get(name) if name is not None else None
    return f"{motion.bundle.process.data[name].table}/{code}" if name is not None and code else None


def _clock(motion: Motion, name: str | None) -> Clock | None:
    """The clock that says 按时; of one that each round has anew, the newest."""
    mine = [clock for clock in motion.board.clocks if clock.name == name]
    return max(mine, key=lambda clock: clock.started_at) if mine else None


def _times(motion: Motion) -> Any:
    return next((event.at for event in motion.events if event.name == DISPATCHED), None)


def _returns(motion: Motion) -> int:
    return sum(event.name == RETURNED for event in motion.events)

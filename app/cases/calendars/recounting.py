"""Another calendar: due times counted in working time are worked out anew, in batches of cases."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, insert, or_, select, update

from app import bundles
from app.audit import streams
from app.audit.streams import Entry
from app.cases import followers, save_clocks, sync
from app.cases.models import cases, task_queue, tasks
from app.cases.motion import Motion
from app.clocks import calendars
from app.clocks.board import Board
from app.clocks.calendars import InForce
from app.clocks.models import clocks, ledger_of_all, timers
from app.clocks.pausing import recount
from app.clocks.rows import STOPPED, Clock, Timer
from app.core import clock, dialects, events
from app.core.db import Session, transaction
from app.identity.actor import SYSTEM, Actor

log = logging.getLogger("huying.calendars")

BATCH = 100
"""Cases of a transaction."""
AT_ONCE = 1_000
"""Cases that an import itself works out anew; the ticker does the rest."""

_TASK = ("due_at",)


@dataclass(frozen=True)
class Moved:
    """One clock of a case whose due time is another now, by the calendar of `region`."""

    case_id: str
    number: str
    region: str
    label: str
    was: datetime | None
    due: datetime | None


_COUNTED = clocks.join(cases, cases.c.id == clocks.c.case_id)
_COUNT = select(func.count(clocks.c.case_id.distinct())).select_from(_COUNTED)
_ROOTS = (
    select(cases.c.root_id)
    .select_from(_COUNTED)
    .where(cases.c.root_id > bindparam("after"))
    .distinct()
    .order_by(cases.c.root_id)
    .limit(BATCH)
)
_LOCK = dialects.locked(
    select(cases.c.id).where(cases.c.id.in_(bindparam("roots", expanding=True))).order_by(cases.c.id),
    skip=True,
)
_CASES = select(cases).where(cases.c.root_id.in_(bindparam("roots", expanding=True))).order_by(cases.c.id)
_SEEN = (
    update(cases)
    .where(cases.c.id == bindparam("row_id"))
    .values(light=bindparam("colour"), event_seq=cases.c.event_seq + bindparam("more"))
)
_LEAVE = delete(task_queue).where(task_queue.c.task_id == bindparam("task"))


def _of(table: Any, columns: Any = None) -> Any:
    ids: Any = bindparam("ids", expanding=True)
    return select(*(columns or [table])).where(table.c.case_id.in_(ids)).order_by(table.c.id)


_CLOCKS = _of(clocks, [clocks.c.case_id, *(clocks.c[name] for name in Clock.__dataclass_fields__)])
_TIMERS = _of(timers, [timers.c.case_id, *(timers.c[name] for name in Timer.__dataclass_fields__)])
_TASKS = _of(tasks).where(tasks.c.state.in_(("open", "claimed")))


Regions = Collection[str] | None
"""Those whose cases are meant; None: all, and cases whose place belongs to another region by now."""


def _behind(by: InForce, meant: Regions) -> ColumnElement[bool]:
    """Clocks whose due time follows from another version, or another calendar, than counts there now."""
    region = func.coalesce(clocks.c.region, by.house)
    old = [
        and_(region == name, clocks.c.calendar != calendar.version)
        for name, calendar in by.calendars.items()
        if meant is None or name in meant
    ]
    if meant is None:
        old.append(region.not_in(sorted(by.calendars)))
        if by.places:
            old.append(region != by.named(cases.c.org_path))
    return and_(clocks.c.calendar.is_not(None), clocks.c.state != STOPPED, or_(*old))


def behind(session: Session, by: InForce, meant: Regions = None) -> int:
    """How many cases have a due time by another version of their calendar, or by another calendar."""
    return int(session.scalar(_COUNT.where(_behind(by, meant))) or 0)


def would_move(session: Session, by: InForce, meant: Regions) -> list[Moved]:
    """What calendars that are not in force yet would move, of the first AT_ONCE cases; nothing is written."""
    moved: list[Moved] = []
    after = ""
    for _ in range(AT_ONCE // BATCH):
        motions, after = _loaded(session, by, meant, SYSTEM, after, lock=False)
        moved += [told for motion in motions for told in _recounted(motion)]
        if not after:
            break
    return moved


def move(session: Session, actor: Actor, by: InForce, meant: Regions) -> list[Moved]:
    """Works the due times out anew, of at most AT_ONCE cases, in this transaction."""
    moved: list[Moved] = []
    after = ""
    for _ in range(AT_ONCE // BATCH):
        told, after = _batch(session, by, meant, actor, after)
        moved += told
        if not after:
            break
    return moved


def catch_up() -> int:
    """What an import left, a case that was busy then, units that belong to another region by now: a batch a
    transaction; returns how many moved."""
    total, after = 0, ""
    while True:
        with transaction() as session:
            told, after = _batch(session, calendars.by_place(session), None, SYSTEM, after)
        total += len(told)
        if not after:
            return total


def _batch(
    session: Session, by: InForce, meant: Regions, actor: Actor, after: str
) -> tuple[list[Moved], str]:
    motions, after = _loaded(session, by, meant, actor, after, lock=True)
    moved = [told for motion in motions for told in _recounted(motion)]
    if motions:
        _save(session, motions)
        now = motions[0].now
        told = [event for motion in motions for event in motion.events]
        if told:
            batch = {"clocks": [{"case": event.case_id, **event.data} for event in told]}
            concerned = "、".join(sorted({str(event.data["region"]) for event in told}))
            streams.append(session, Entry("tiers", "clock.recounted", actor.id, concerned, batch, now))
            events.publish(session, told)
    return moved, after


def _loaded(
    session: Session, by: InForce, meant: Regions, actor: Actor, after: str, *, lock: bool
) -> tuple[list[Motion], str]:
    """The next cases that are behind, and after which root to look on; "" when there are no more."""
    old = _behind(by, meant)
    roots = list(session.execute(_ROOTS.where(old), {"after": after}).scalars())
    last = roots[-1] if len(roots) == BATCH else ""
    if lock and roots:  # one that somebody is at work on is left for the next time
        roots = list(session.execute(_LOCK, {"roots": roots}).scalars())
    found = _CASES.where(cases.c.id.in_(select(clocks.c.case_id).where(old)))
    rows = session.execute(found, {"roots": roots}).mappings().all() if roots else []
    return _motions(session, by, actor, [dict(row) for row in rows]), last


def _motions(session: Session, by: InForce, actor: Actor, rows: list[dict[str, Any]]) -> list[Motion]:
    if not rows:
        return []
    ids = {"ids": [row["id"] for row in rows]}
    own_clocks = _by_case(session.execute(_CLOCKS, ids).all())
    own_timers = _by_case(session.execute(_TIMERS, ids).all())
    own_tasks = session.execute(_TASKS, ids).mappings().all()
    lines = ledger_of_all(session, ids["ids"])
    now, motions = clock.now(session), []
    for row in rows:
        try:
            bundle = bundles.of(row)
        except Exception:  # one version that cannot be read must not stop the calendar
            log.exception("the clocks of case %s could not be worked out anew", row["id"])
            continue
        board = Board(
            row["id"],
            row["root_id"],
            bundle.sla,
            now,
            actor.id,
            [Clock(*each[1:]) for each in own_clocks.get(row["id"], [])],
            [Timer(*each[1:]) for each in own_timers.get(row["id"], [])],
            calendar_of=lambda at=row["org_path"]: by.at(at),  # type: ignore[misc]
            history_of=lambda own=row["id"]: [line for line in lines if line["case_id"] == own],  # type: ignore[misc]
            policy=row["policy_version"],
            sla_at=lambda version, own=row["version_id"]: bundles.get(version or own).sla,  # type: ignore[misc]
        )
        mine = {task["id"]: dict(task) for task in own_tasks if task["case_id"] == row["id"]}
        motions.append(Motion(session, actor, now, bundle, row, mine, board, before=row["data"]))
    return motions


def _by_case(rows: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.case_id, []).append(tuple(row))
    return found


def _recounted(motion: Motion) -> list[Moved]:
    """Moves what a case has; its tasks follow."""
    moved = recount(motion.board)
    for before, after in moved:
        data = {"was": _text(before.due_at), "due": _text(after.due_at)}
        whose = {"calendar": after.calendar, "region": after.region}
        motion.events.append(motion.board.tell("recounted", after, **data, **whose))
    if moved and motion.case["state"] == "active":
        sync.set_dues(motion)
    labels, c = motion.bundle.sla.clocks, motion.case
    return [
        Moved(c["id"], c["number"], str(a.region), labels[a.name].label, b.due_at, a.due_at) for b, a in moved
    ]


def _save(session: Session, motions: Sequence[Motion]) -> None:
    save_clocks.save(session, [motion.board for motion in motions], motions[0].now)
    followers.tell(motions)
    changed = [
        {"row_id": row["id"], "new_due_at": row["due_at"]}
        for motion in motions
        for row in motion.changes.updates["tasks"].values()
    ]
    if changed:
        session.execute(save_clocks.updating(tasks, _TASK), changed)
    leaving = [row for motion in motions for row in motion.changes.inserts["leaving"]]
    lying = [row for motion in motions for row in motion.changes.inserts["task_queue"]]
    if leaving:
        session.execute(_LEAVE, leaving)
    if lying:
        session.execute(insert(task_queue), lying)
    seen = [
        {"row_id": motion.case["id"], "colour": motion.board.light(), "more": len(motion.events)}
        for motion in motions
        if motion.events
    ]
    if seen:
        session.execute(_SEEN, seen)


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None

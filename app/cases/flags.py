"""Tiers that were reached are marked in sets of a hundred, and told; they never wake the engine."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update

from app import bundles
from app.audit import streams
from app.audit.streams import Entry
from app.cases.guarding import GOES_ON
from app.cases.incidents import opening
from app.cases.models import cases
from app.clocks.models import clock_ledger, clocks, timers
from app.clocks.rows import severity
from app.core import clock, dialects, events
from app.core.db import Session, transaction
from app.core.events import Event
from app.core.ids import new_id
from app.identity.actor import SYSTEM

log = logging.getLogger("huying.firing")

AT_ONCE = 100
"""Tiers marked in one transaction."""

DUE = dialects.locked(
    select(
        timers.c.id,
        timers.c.case_id,
        clocks.c.name.label("clock"),
        clocks.c.policy_since,
        func.coalesce(clocks.c.policy_version, cases.c.version_id).label("policy_version"),
        timers.c.tier,
        timers.c.key,
        timers.c.due_at,
        cases.c.process_key,
        cases.c.org_path,
        cases.c.light,
        cases.c.opened_at,
    )
    .join(cases, cases.c.id == timers.c.case_id)
    .join(clocks, clocks.c.id == timers.c.key)
    .where(GOES_ON, timers.c.kind == "flag", timers.c.state == "armed", timers.c.due_at <= bindparam("now"))
    .order_by(timers.c.due_at, timers.c.id)
    .limit(AT_ONCE),
    skip=True,
)
"""What is due, oldest first, and nobody else is marking."""
_FLAG_FIRED = (
    update(timers).where(timers.c.id == bindparam("row_id")).values(state="fired", fired_at=bindparam("now"))
)
_later = timers.alias("later")
_FLAG_PAST = (  # of a class only the last reached holds, whatever the order they were marked in
    update(timers)
    .where(
        timers.c.case_id == bindparam("of"),
        timers.c.key == bindparam("clock"),
        timers.c.tier == bindparam("early"),
        timers.c.state == "fired",
        select(_later.c.id)
        .where(
            _later.c.case_id == bindparam("of"),
            _later.c.key == bindparam("clock"),
            _later.c.tier == bindparam("late"),
            or_(_later.c.state == "fired", _later.c.state == "past"),
        )
        .exists(),
    )
    .values(state="past")
)
_FLAG_STOPPED = update(timers).where(timers.c.id == bindparam("row_id")).values(state="incident")
_FLAG_SEEN = (
    update(cases)
    .where(cases.c.id == bindparam("row_id"))
    .values(light=bindparam("colour"), event_seq=cases.c.event_seq + bindparam("more"))
)


def fire(now_of: Callable[[Session], datetime | None] = clock.now) -> int:
    """Marks tiers that were reached, a hundred a transaction, without waking the engine; `now_of` says by
    which instant, or that none may be marked now.
    """
    total = 0
    while True:
        with transaction() as session:
            now = now_of(session)
            found = 0 if now is None else _mark(session, now)
        total += found
        if found < AT_ONCE:
            return total


def _mark(session: Session, now: datetime) -> int:
    due = session.execute(DUE, {"now": now}).all()
    rows = [row for row in due if _readable(session, row)]
    if not rows:
        return len(due)
    told, ledger = [], []
    classes: list[dict[str, Any]] = []
    lights: dict[str, str | None] = {}
    count: dict[str, int] = {}
    for row in rows:
        sla = bundles.get(row.policy_version).sla
        tier = next(tier for tier in sla.tiers_of(row.clock) if tier.key == row.tier)
        light = lights.get(row.case_id, row.light)
        lights[row.case_id] = max(light, tier.colour, key=severity)
        count[row.case_id] = count.get(row.case_id, 0) + 1
        data = {"clock": tier.clock, "tier": tier.key, "label": tier.label, "due": row.due_at.isoformat()}
        if tier.kind:
            data["class"] = tier.kind
            of = {"of": row.case_id, "clock": row.key}
            classes += [{**of, "early": early, "late": late} for early, late in sla.pairs_of(tier)]
        passed = _passed(row)
        about = {"tier": tier, "label": sla.clocks[tier.clock].label, "key": row.key}
        about |= {"quiet": sla.quiet, "passed": passed}
        told.append(Event("clock.tier_reached", row.case_id, now, SYSTEM.id, data, about))
        ledger.append(_ledger_line(row, now, data))
    session.execute(_FLAG_FIRED, [{"row_id": row.id, "now": now} for row in rows])
    if classes:
        session.execute(_FLAG_PAST, classes)
    session.execute(clock_ledger.insert(), ledger)
    session.execute(
        _FLAG_SEEN, [{"row_id": key, "colour": lights[key], "more": count[key]} for key in sorted(lights)]
    )
    batch = {"tiers": [{"case": event.case_id, **event.data} for event in told]}
    streams.append(session, Entry("tiers", "clock.tier_reached", SYSTEM.id, None, batch, now))
    events.publish(session, told)
    return len(due)


def _passed(row: Any) -> tuple[str, str] | None:
    """When a tier lay behind before anybody could mark it: an imported case came so, or its clock went over
    to a policy that puts it there; in words, and what tells two such times apart."""
    if row.policy_since is not None and row.due_at < row.policy_since:
        return "换用时限规则时", f".{row.policy_since.isoformat()}"
    return ("登记时", "") if row.due_at < row.opened_at else None


def _readable(session: Session, row: Any) -> bool:
    """Whether the policy of its clock can be read; a tier of one that cannot becomes an incident."""
    try:
        bundles.get(row.policy_version)
    except Exception as error:
        log.exception("flag timer %s failed", row.id)
        session.execute(_FLAG_STOPPED, {"row_id": row.id})
        where = opening.Where(row.process_key, row.org_path, row.case_id, timer_id=row.id)
        opening.open_incident(session, "timer-failed", where, error, SYSTEM)
        return False
    return True


def _ledger_line(row: Any, now: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": new_id(),
        "case_id": row.case_id,
        "clock_id": row.key,
        "at": now,
        "entry": "tier_reached",
        "chain_seq": None,
        "actor_id": SYSTEM.id,
        "detail": data,
    }

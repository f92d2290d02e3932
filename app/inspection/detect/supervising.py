"""督办动态: what has moved in a supervised order since it was supervised, and what has not."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.cases.models import cases, tasks
from app.cases.requests.models import case_requests
from app.core.db import Session
from app.inspection.detect.kind import (
    GOING,
    MOST,
    OPEN,
    Detector,
    Facts,
    Hit,
    at,
    lasted,
    long,
    once_a_case,
    pool_of,
)
from app.inspection.rule_file import Rule, Takes

MOST_TOLD = 20
"""Changes that are told of one order, the newest."""

Move = tuple[str, str]
"""When, as ISO text, and what, in words."""


def supervised(session: Session, rule: Rule, now: datetime) -> Iterator[Hit]:
    """Every supervised order, with each change since."""
    moves = _moves(session, rule)

    def hits() -> Iterator[Hit]:
        for row in session.execute(_under(rule)):
            since = row.asked_at.isoformat()
            mine = [move for move in sorted(moves[row.parent_id]) if move[0] >= since]
            facts = {"since": since, "count": len(mine), "moves": [list(each) for each in mine[-MOST_TOLD:]]}
            yield Hit(row.parent_id, pool_of(row.pools), facts)

    return once_a_case(hits())


def stuck(session: Session, rule: Rule, now: datetime) -> Iterator[Hit]:
    """Supervised orders in which nothing has moved for so long, neither in them nor in their answer.

    Those on account too: the answer to the superior has a clock of its own, which 挂账 leaves alone.
    """
    assert rule.after is not None
    before = (now - rule.after).isoformat()
    moves = _moves(session, rule)

    def hits() -> Iterator[Hit]:
        for row in session.execute(_under(rule)):
            last = max([row.asked_at.isoformat(), *(when for when, _ in moves[row.parent_id])])
            if last <= before:
                yield Hit(row.parent_id, pool_of(row.pools), {"since": last})

    return once_a_case(hits())


def _under(rule: Rule) -> Any:
    """The supervised orders of a process, and in whose pool they lie."""
    pools = (
        select(tasks.c.pools)
        .where(tasks.c.case_id == case_requests.c.parent_id, OPEN)
        .order_by(tasks.c.opened_at, tasks.c.id)
        .limit(1)
        .scalar_subquery()
    )
    return _demands(rule, case_requests.c.parent_id, case_requests.c.asked_at, pools.label("pools")).limit(
        MOST
    )


def _demands(rule: Rule, *columns: Any) -> Any:
    return (
        select(*columns)
        .select_from(case_requests)
        .join(cases, cases.c.id == case_requests.c.parent_id)
        .where(case_requests.c.kind == "supervise", case_requests.c.state == "pending")
        .where(GOING, cases.c.process_key == rule.process)
    )


def _moves(session: Session, rule: Rule) -> dict[str, list[Move]]:
    """What happened in those orders and in the small cases that supervise them, by order."""
    found: dict[str, list[Move]] = defaultdict(list)
    columns = [tasks.c[name] for name in ("name", "opened_at", "claimed_at", "closed_at", "state", "outcome")]
    for where in (case_requests.c.parent_id, case_requests.c.id):
        asked = _demands(rule, case_requests.c.parent_id, *columns).join(tasks, tasks.c.case_id == where)
        for row in session.execute(asked):
            mine = found[row.parent_id]
            mine.append((row.opened_at.isoformat(), f"到“{row.name}”"))
            if row.claimed_at is not None:
                mine.append((row.claimed_at.isoformat(), f"签收“{row.name}”"))
            if row.state == "done":
                mine.append((row.closed_at.isoformat(), f"办完“{row.name}”：{row.outcome}"))
    return found


def says_supervised(rule: Rule, facts: Facts, now: datetime) -> str:
    head = f"{at(facts['since'])} 起督办，此后"
    if not facts["count"]:
        return f"{head}没有变化。"
    return (
        f"{head}变化 {facts['count']} 次："
        + "；".join(f"{at(t)} {what}" for t, what in facts["moves"])
        + "。"
    )


def says_stuck(rule: Rule, facts: Facts, now: datetime) -> str:
    assert rule.after is not None
    return f"督办中，{lasted(facts['since'], now)} 没有进展，超过 {long(rule.after)}。"


DETECTORS = (
    Detector("supervised", "督办动态", Takes(), supervised, says_supervised),
    Detector("supervised-idle", "督办没有进展", Takes(("after",)), stuck, says_stuck),
)

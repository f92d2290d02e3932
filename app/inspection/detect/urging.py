"""催办异常: an order that was urged, and still has no reply."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select

from app.cases.models import cases, tasks, urges
from app.core.db import Session
from app.inspection.detect.kind import (
    AWAITED,
    MOST,
    OPEN,
    WINDOW,
    Detector,
    Facts,
    Hit,
    at,
    lasted,
    long,
    pool_of,
)
from app.inspection.rule_file import Rule, Takes


def unanswered(session: Session, rule: Rule, now: datetime) -> Iterator[Hit]:
    """Cases whose first urging since the last reply is older than that; one on account replies later."""
    assert rule.after is not None
    done = tasks.alias("done")
    replied = select(done.c.id).where(
        done.c.case_id == urges.c.case_id,
        done.c.step.in_(rule.steps),
        done.c.state == "done",
        done.c.closed_at > urges.c.at,
    )
    pools = (
        select(tasks.c.pools)
        .where(tasks.c.case_id == urges.c.case_id, OPEN)
        .order_by(tasks.c.opened_at, tasks.c.id)
        .limit(1)
    )
    first = func.min(urges.c.at)
    statement = (
        select(
            urges.c.case_id,
            first.label("first"),
            func.count().label("times"),
            pools.scalar_subquery().label("pools"),
        )
        .join(cases, cases.c.id == urges.c.case_id)
        .where(urges.c.at > now - WINDOW, AWAITED, cases.c.process_key == rule.process, ~replied.exists())
        .group_by(urges.c.case_id)
        .having(first <= now - rule.after)
        .order_by(first)
        .limit(MOST)
    )
    for row in session.execute(statement):
        facts = {"since": row.first.isoformat(), "times": row.times}
        yield Hit(row.case_id, pool_of(row.pools), facts)


def says(rule: Rule, facts: Facts, now: datetime) -> str:
    assert rule.after is not None
    return (
        f"{at(facts['since'])} 起催办 {facts['times']} 次，{lasted(facts['since'], now)} 没有回复，"
        f"超过 {long(rule.after)}。"
    )


DETECTORS = (Detector("urged", "催办后没有回复", Takes(("steps", "after")), unanswered, says),)

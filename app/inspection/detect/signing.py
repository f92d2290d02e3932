"""下派及签收异常: what was not dispatched or signed in time."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import exists, select

from app.cases.models import cases, tasks
from app.core.db import Session
from app.inspection.detect.kind import (
    AWAITED,
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
    open_tasks,
    pool_of,
)
from app.inspection.rule_file import Rule, Takes


def waiting(session: Session, rule: Rule, now: datetime) -> Iterator[Hit]:
    """Steps that are not done after so long, or beyond their due time."""
    return once_a_case(_late(session, rule, now))


def unsigned(session: Session, rule: Rule, now: datetime) -> Iterator[Hit]:
    """What lies unsigned too long, and what went back by itself because nobody signed it."""
    return once_a_case(iter((*_late(session, rule, now, unsigned=True), *_went_back(session, rule))))


def _late(session: Session, rule: Rule, now: datetime, *, unsigned: bool = False) -> Iterator[Hit]:
    since = tasks.c.opened_at <= now - rule.after if rule.after is not None else tasks.c.due_at <= now
    free = (tasks.c.state == "open",) if unsigned else ()
    for row in session.execute(open_tasks(rule, since, AWAITED, *free)):
        facts = {"step": row.name, "since": row.opened_at.isoformat()}
        if rule.after is None:
            facts["due"] = row.due_at.isoformat()
        yield Hit(row.case_id, pool_of(row.pools), facts)


def _went_back(session: Session, rule: Rule) -> Iterator[Hit]:
    if not rule.returned:
        return
    sign, later = tasks.alias("sign"), tasks.alias("later")
    newer = exists().where(
        later.c.case_id == sign.c.case_id,
        later.c.step.in_(rule.steps),
        later.c.opened_at > sign.c.opened_at,
    )
    statement = (
        select(sign.c.case_id, sign.c.name, sign.c.pools, sign.c.opened_at, sign.c.closed_at)
        .select_from(tasks)
        .join(sign, sign.c.case_id == tasks.c.case_id)
        .join(cases, cases.c.id == tasks.c.case_id)
        .where(OPEN, tasks.c.step.in_(rule.returned), GOING, cases.c.process_key == rule.process)
        .where(sign.c.step.in_(rule.steps), sign.c.state == "cancelled", sign.c.claimed_at.is_(None))
        .where(sign.c.due_at <= sign.c.closed_at, ~newer)
        .limit(MOST)
    )
    for row in session.execute(statement):
        facts = {
            "step": row.name,
            "since": row.opened_at.isoformat(),
            "returned": row.closed_at.isoformat(),
        }
        yield Hit(row.case_id, pool_of(row.pools), facts)


def says_waiting(rule: Rule, facts: Facts, now: datetime) -> str:
    if rule.after is not None:
        return f"“{facts['step']}”已等了 {lasted(facts['since'], now)}，超过 {long(rule.after)}。"
    return f"“{facts['step']}”应在 {at(facts['due'])} 以前办理，已超过 {lasted(facts['due'], now)}。"


def says_unsigned(rule: Rule, facts: Facts, now: datetime) -> str:
    if "returned" in facts:
        waited = lasted(facts["since"], datetime.fromisoformat(facts["returned"]))
        return f"派遣后 {waited} 无人签收，{at(facts['returned'])} 自动退回，还没有重新派遣。"
    if rule.after is not None:
        return f"派遣后 {lasted(facts['since'], now)} 没有签收，超过 {long(rule.after)}。"
    return f"应在 {at(facts['due'])} 以前签收，已超过 {lasted(facts['due'], now)}。"


DETECTORS = (
    Detector("waiting", "没有及时办理", Takes(("steps",), ("after",)), waiting, says_waiting),
    Detector("unsigned", "没有及时签收", Takes(("steps",), ("after", "returned")), unsigned, says_unsigned),
)

"""回复异常: a reply that is late, says nothing, or says what many others said."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, func, select, text

from app.cases.models import cases, tasks
from app.clocks.models import clocks
from app.core import dialects
from app.core.db import Session
from app.crypto.sm3 import sm3_hex
from app.identity.models import units
from app.inspection.detect.kind import (
    GOING,
    MOST,
    OPEN,
    WINDOW,
    Detector,
    Facts,
    Hit,
    at,
    code_of,
    handlers_of,
    lasted,
    long,
    once_a_case,
    pool_of,
)
from app.inspection.models import replies
from app.inspection.rule_file import Rule, Takes

OVERLAP = timedelta(minutes=5)
"""Replies are read again this far back: one that was committed later may bear an earlier time."""
USUALLY = timedelta(days=30)
"""Within which replies are compared where a rule does not say it."""
BATCH = 1000
_MARKS = re.compile(r"[\W_]+")

_LAST = select(func.max(replies.c.at)).where(replies.c.field == bindparam("which"))
_GIVEN = (
    select(tasks.c.id, tasks.c.case_id, tasks.c.pools, tasks.c.closed_at, tasks.c.answers)
    .join(cases, cases.c.id == tasks.c.case_id)
    .where(
        text("tasks.state = 'done'"),
        tasks.c.step.in_(bindparam("steps", expanding=True)),
        tasks.c.closed_at >= bindparam("since"),
        cases.c.process_key == bindparam("process"),
    )
    .order_by(tasks.c.closed_at, tasks.c.id)
    .limit(BATCH)
)


def late(session: Session, rule: Rule, now: datetime) -> Iterator[Hit]:
    """A clock of the case has run out, and nobody has replied."""
    statement = (
        select(clocks.c.case_id, clocks.c.due_at, tasks.c.name, tasks.c.pools)
        .join(cases, cases.c.id == clocks.c.case_id)
        .outerjoin(tasks, and_(tasks.c.case_id == clocks.c.case_id, OPEN))
        .where(text("clocks.state = 'running'"), clocks.c.name == rule.clock, clocks.c.due_at <= now)
        .where(GOING, cases.c.process_key == rule.process)
        .order_by(clocks.c.due_at, clocks.c.id, tasks.c.opened_at)
        .limit(MOST)
    )
    return once_a_case(
        Hit(
            row.case_id,
            pool_of(row.pools),
            {"due": row.due_at.isoformat(), "step": row.name},
        )
        for row in session.execute(statement)
    )


def empty(session: Session, rule: Rule, now: datetime) -> Iterator[Hit]:
    """The last reply of a case is shorter than a sentence."""
    statement = _latest(rule, now).where(replies.c.length < rule.least)
    return once_a_case(
        Hit(row.case_id, handlers_of(row.path), {"at": row.at.isoformat(), "length": row.length})
        for row in session.execute(statement)
    )


def same(session: Session, rule: Rule, now: datetime) -> Iterator[Hit]:
    """The last reply of a case is, word for word, the one that many other cases got lately."""
    since, every = now - (rule.within or USUALLY), replies.alias("every")
    often = (  # counted once for each wording: pairs of replies would be too many where many are alike
        select(every.c.likeness, func.count(every.c.case_id.distinct()).label("times"))
        .where(every.c.field == rule.field, every.c.at > since)
        .group_by(every.c.likeness)
        .having(func.count(every.c.case_id.distinct()) >= rule.times)
        .subquery("often")
    )
    statement = (
        _latest(rule, now)
        .join(often, often.c.likeness == replies.c.likeness)
        .where(replies.c.at > since)
        .add_columns(often.c.times)
    )
    return once_a_case(
        Hit(row.case_id, handlers_of(row.path), {"at": row.at.isoformat(), "others": row.times - 1})
        for row in session.execute(statement)
    )


def _latest(rule: Rule, now: datetime) -> Any:
    """The last replies of the cases that are under way."""
    later = replies.alias("later")
    newer = select(later.c.task_id).where(
        later.c.case_id == replies.c.case_id,
        later.c.field == rule.field,
        later.c.at > replies.c.at,
        later.c.at > now - WINDOW,  # goes without saying, but lets an index answer
    )
    return (
        select(replies.c.case_id, units.c.path, replies.c.at, replies.c.length)
        .join(cases, cases.c.id == replies.c.case_id)
        .outerjoin(units, units.c.code == replies.c.unit)
        .where(replies.c.at > now - WINDOW, replies.c.field == rule.field, ~newer.exists())
        .where(GOING, cases.c.process_key == rule.process)
        .limit(MOST)
    )


def read(session: Session, rule: Rule, now: datetime) -> int:
    """Reads the replies that were given since the last look; returns how many there were."""
    last = session.scalar(_LAST, {"which": rule.field})
    since = max(last - OVERLAP, now - WINDOW) if last is not None else now - WINDOW
    total, seen = 0, ""
    while True:
        which = {"steps": rule.steps, "since": since, "process": rule.process}
        rows = session.execute(_GIVEN, which).all()
        made = [_reply(rule, row) for row in rows]
        if made:
            session.execute(dialects.insert_ignore(session.dialect, replies), made)
        total += len(made)
        if len(rows) < BATCH or rows[-1].id == seen:
            return total
        since, seen = rows[-1].closed_at, rows[-1].id


def _reply(rule: Rule, row: Any) -> dict[str, Any]:
    said = (row.answers or {}).get(rule.field)
    words = _MARKS.sub("", unicodedata.normalize("NFKC", said)) if isinstance(said, str) else ""
    return {
        "task_id": row.id,
        "case_id": row.case_id,
        "field": rule.field,
        "unit": code_of(row.pools[0]) if row.pools else None,
        "at": row.closed_at,
        "length": len(words),
        # An empty one is alike nothing.
        "likeness": sm3_hex(words.encode()) if words else row.id,
    }


def says_late(rule: Rule, facts: Facts, now: datetime) -> str:
    step = f"，还在“{facts['step']}”" if facts["step"] else ""
    return f"应在 {at(facts['due'])} 以前答复，已超过 {lasted(facts['due'], now)}{step}。"


def says_empty(rule: Rule, facts: Facts, now: datetime) -> str:
    length = facts["length"]
    said = f"只有 {length} 个字，少于 {rule.least} 个字" if length else "没有内容"
    return f"{at(facts['at'])} 的回复{said}。"


def says_same(rule: Rule, facts: Facts, now: datetime) -> str:
    within = long(rule.within or USUALLY)
    return f"{at(facts['at'])} 的回复与 {within}内另外 {facts['others']} 件的一字不差。"


DETECTORS = (
    Detector("reply-late", "没有按时回复", Takes(("clock",)), late, says_late),
    Detector("reply-empty", "回复没有内容", Takes(("steps", "field", "least")), empty, says_empty),
    Detector("reply-same", "回复雷同", Takes(("steps", "field", "times"), ("within",)), same, says_same),
)
READS = ("reply-empty", "reply-same")
"""Kinds that look at what `read` has read."""

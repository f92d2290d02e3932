"""流转异常: an order that goes back again and again, moves in a circle, or lies where it is."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select

from app.cases.models import cases, rejections, tasks
from app.core.db import Session
from app.inspection.detect.kind import (
    AWAITED,
    GOING,
    MOST,
    OPEN,
    WINDOW,
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


def returned(session: Session, rule: Rule, now: datetime) -> Iterator[Hit]:
    """Cases that units refused so many times in their round."""
    times = func.count()
    statement = (
        select(rejections.c.case_id, times.label("times"), func.max(rejections.c.asked_at).label("last"))
        .join(cases, cases.c.id == rejections.c.case_id)
        .where(rejections.c.asked_at > now - WINDOW, rejections.c.round == cases.c.round)
        .where(GOING, cases.c.process_key == rule.process)
        .group_by(rejections.c.case_id)
        .having(times >= rule.times)
        .order_by(func.max(rejections.c.asked_at))
        .limit(MOST)
    )
    for row in session.execute(statement):
        yield Hit(row.case_id, None, {"times": row.times, "last": row.last.isoformat()})


def circling(session: Session, rule: Rule, now: datetime) -> Iterator[Hit]:
    """Cases that stand once more at a step where they stood so many times."""
    before = tasks.alias("before")
    times = func.count(before.c.ref.distinct())
    steps = (tasks.c.step.in_(rule.steps),) if rule.steps else ()
    statement = (
        select(tasks.c.id, tasks.c.case_id, tasks.c.name, tasks.c.pools, times.label("times"))
        .join(cases, cases.c.id == tasks.c.case_id)
        .join(before, (before.c.case_id == tasks.c.case_id) & (before.c.step == tasks.c.step))
        .where(OPEN, *steps, tasks.c.item.is_(None), GOING, cases.c.process_key == rule.process)
        .group_by(tasks.c.id, tasks.c.case_id, tasks.c.name, tasks.c.pools)
        .having(times >= rule.times)
        .limit(MOST)
    )
    return once_a_case(
        Hit(row.case_id, pool_of(row.pools), {"step": row.name, "times": row.times})
        for row in session.execute(statement)
    )


def idle(session: Session, rule: Rule, now: datetime) -> Iterator[Hit]:
    """Cases in which nothing has happened for so long, though somebody has them to do."""
    assert rule.after is not None
    before = now - rule.after
    statement = open_tasks(
        rule,
        AWAITED,
        tasks.c.opened_at <= before,
        cases.c.last_event_at <= before,
        columns=(cases.c.last_event_at,),
    )
    return once_a_case(
        Hit(row.case_id, pool_of(row.pools), {"step": row.name, "since": row.last_event_at.isoformat()})
        for row in session.execute(statement)
    )


def says_returned(rule: Rule, facts: Facts, now: datetime) -> str:
    return f"本轮已退单 {facts['times']} 次（达到 {rule.times} 次），最近一次 {at(facts['last'])}。"


def says_circling(rule: Rule, facts: Facts, now: datetime) -> str:
    return f"第 {facts['times']} 次到“{facts['step']}”（达到 {rule.times} 次），在几个环节之间打转。"


def says_idle(rule: Rule, facts: Facts, now: datetime) -> str:
    assert rule.after is not None
    return f"停在“{facts['step']}”，{lasted(facts['since'], now)} 没有任何办理，超过 {long(rule.after)}。"


DETECTORS = (
    Detector("returned", "多次退单", Takes(("times",)), returned, says_returned),
    Detector("circling", "反复流转", Takes(("times",), ("steps",)), circling, says_circling),
    Detector("idle", "长时间没有办理", Takes(("after",), ("steps",)), idle, says_idle),
)

"""What must be true after whatever happened; every function returns the sentences of what is not.

The numbers are those of trust.md §7: nothing lost (I1), nothing twice (I2, I7), nothing half (I3–I6), nothing stuck
(I4, I11), no answer but the deliberate ones (I12), the inbox equal to its recount (I13).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import func, select

from app.audit.chain import case_chain
from app.audit.verify import verify
from app.cases.env import awake
from app.cases.external.models import external_tasks
from app.cases.models import cases, incidents, task_queue, tasks, waits
from app.cases.tree import Tree
from app.clocks.models import timers
from app.core import clock
from app.core.db import Session
from app.core.once import Once, idempotency
from app.crypto.kept import Kept
from app.engine.picture import Picture
from app.identity.actor import SYSTEM
from tests.faults.load import Journal

OPEN = ("open", "claimed")
UNFIRED = ("armed", "claimed", "held", "incident")
DELIBERATE = (0, 409, 503)
"""Answers that ask for another try: none, in flight or busy, and unavailable."""

Row = dict[str, Any]


def broken(session: Session, journal: Journal, *, late: timedelta) -> list[str]:
    """All of them; `late` is how long something due may wait for its worker."""
    whole = Whole(session)
    checks = (
        acknowledged_is_kept(whole, journal),
        a_key_has_one_effect(whole, journal),
        chains_are_whole(whole),
        open_cases_can_go_on(whole),
        rows_are_what_the_engine_says(whole),
        a_timer_fires_once_and_never_early(whole),
        nothing_is_stuck(whole, late),
        answers_were_deliberate(journal),
        the_inbox_is_its_recount(whole),
    )
    return [sentence for check in checks for sentence in check]


class Whole:
    """Every row that a question is about, read once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.now = clock.now(session)
        self.cases = self._all(cases)
        self.tasks = self._all(tasks)
        self.timers = self._all(timers)
        self.chain = self._all(case_chain)
        self.answers = {row["key"]: row for row in self._all(idempotency)}
        self.tasks_of = _by_case(self.tasks)
        self.timers_of = _by_case(self.timers)
        self.chain_of = _by_case(self.chain)

    def _all(self, table: Any) -> list[Row]:
        return [dict(row) for row in self.session.execute(select(table)).mappings()]


def _by_case(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["case_id"]].append(row)
    return found


def acknowledged_is_kept(whole: Whole, journal: Journal) -> Iterator[str]:
    """I1: what was answered 2xx is in the database, with the very bytes that were answered."""
    by_id = {task["id"]: task for task in whole.tasks}
    known = {case["id"] for case in whole.cases}
    for sent in journal.acknowledged("file") + journal.acknowledged("complete"):
        kept = whole.answers.get(sent.key)
        if kept is None or (kept["status"], opened(whole, kept)) != (sent.status, sent.body):
            yield f"I1: the answer to {sent.key} ({sent.operation}) was not kept as it was sent"
        if sent.json["case"]["id"] not in known:
            yield f"I1: the case of {sent.key} is gone"
        task = by_id.get(sent.subject)
        if sent.operation == "complete" and (task is None or task["state"] != "done"):
            yield f"I1: task {sent.subject} was acknowledged as done and is not"


def opened(whole: Whole, kept: Row) -> bytes | None:
    """The bytes of a kept answer, which lies there sealed."""
    names = ("principal", "method", "route", "key", "fingerprint")
    this = Once(*(kept[name] for name in names), render=lambda result: result)
    return None if kept["body"] is None else Kept().open(whole.session, this, bytes(kept["body"]))


def a_key_has_one_effect(whole: Whole, journal: Journal) -> Iterator[str]:
    """I2: a key filed one case, and a case was completed as often as keys were used for it."""
    titles = Counter(case["title"] for case in whole.cases)
    for sent in journal.sent:
        if sent.operation == "file" and titles[sent.subject] > 1:
            yield f"I2: {sent.key} filed {titles[sent.subject]} cases"
    for case in whole.cases:
        written = Counter(row["command"] for row in whole.chain_of[case["id"]])
        done = [task for task in whole.tasks_of[case["id"]] if task["state"] == "done"]
        told = sum(
            event["name"] == "task.done"
            for row in whole.chain_of[case["id"]]
            for event in orjson.loads(row["events"])
        )
        if not len(done) == written["Complete"] == told:
            yield f"I2: {case['number']}: {len(done)} tasks done, {written['Complete']} steps, {told} events"


def chains_are_whole(whole: Whole) -> Iterator[str]:
    """I3, I10: as many rows as the case says, not fewer than its revisions, and each fits the one before."""
    for case in whole.cases:
        rows = len(whole.chain_of[case["id"]])
        if not (case["audit_seq"] == rows >= case["revision"]):
            yield f"I3: {case['number']}: audit_seq {case['audit_seq']}, rows {rows}, rev {case['revision']}"
    heads = {case["id"]: (case["audit_seq"], case["audit_head"]) for case in whole.cases}
    for fault in verify(whole.session, heads=heads).faults:
        yield f"I10: chain of {fault.chain}, row {fault.seq}: {fault.reason}"


def open_cases_can_go_on(whole: Whole) -> Iterator[str]:
    """I4: an open case has somebody to act, a timer, message or work outside to come, or an incident that says so."""
    messages = set(whole.session.execute(select(waits.c.case_id)).scalars())
    offered = select(external_tasks.c.case_id).where(external_tasks.c.state == "open")
    messages |= set(whole.session.execute(offered).scalars())
    told = set(
        whole.session.execute(select(incidents.c.case_id).where(incidents.c.state == "open")).scalars()
    )
    for case in whole.cases:
        people = any(task["state"] in OPEN for task in whole.tasks_of[case["id"]])
        timed = any(t["kind"] == "token" and t["state"] in UNFIRED for t in whole.timers_of[case["id"]])
        awaited = timed or case["id"] in messages
        if case["state"] == "active" and not (people or awaited or case["id"] in told):
            yield f"I4: {case['number']} has no way forward"


def rows_are_what_the_engine_says(whole: Whole) -> Iterator[str]:
    """I5, I6: the picture rebuilt from the bytes names the same open tasks, timers and end as the rows."""
    for case in whole.cases:
        picture = picture_of(whole, case)
        if picture.ended != (case["state"] in ("closed", "cancelled")):
            yield f"I5: {case['number']} is {case['state']}, its engine says ended={picture.ended}"
        rows = Counter(t["ref"] for t in whole.tasks_of[case["id"]] if t["state"] in OPEN)
        if rows != Counter(task.ref for task in picture.tasks):
            yield f"I6: {case['number']}: open rows {dict(rows)}, engine {[t.ref for t in picture.tasks]}"
        armed = Counter(
            (t["key"], t["tier"])
            for t in whole.timers_of[case["id"]]
            if t["kind"] == "token" and t["state"] in UNFIRED
        )
        awaited = Counter((wait.ref, wait.element) for wait in picture.waits if wait.kind == "timer")
        if armed != awaited:
            yield f"I6: {case['number']}: timers {dict(armed)}, the engine waits for {dict(awaited)}"


def every_open_task_of_the_engine_has_a_row(whole: Whole) -> Iterator[str]:
    """I6, where several may work on one step: every open row belongs to one ref, every ref has such a row."""
    for case in whole.cases:
        if case["state"] != "active":
            continue
        rows = {t["ref"] for t in whole.tasks_of[case["id"]] if t["state"] in OPEN}
        engine = {task.ref for task in picture_of(whole, case).tasks}
        if rows != engine:
            yield f"I6: {case['number']}: open rows of {sorted(rows)}, engine {sorted(engine)}"
        for task in whole.tasks_of[case["id"]]:
            if task["state"] == "waiting" and task["ref"] not in rows:
                yield f"I6: {case['number']}: {task['step']} waits for nobody"


def picture_of(whole: Whole, case: Row) -> Picture:
    """What the engine says of a case at rest: settling it again moves nothing."""
    motion = Tree(whole.session, SYSTEM, whole.now)._load(dict(case), "")
    return awake(motion).settle()


def a_timer_fires_once_and_never_early(whole: Whole) -> Iterator[str]:
    """I7: one row and one firing for each (case, key, tier, generation), not before it was due."""
    rows = Counter((t["case_id"], t["key"], t["tier"], t["generation"]) for t in whole.timers)
    yield from (f"I7: {name} stands {count} times" for name, count in rows.items() if count > 1)
    for case in whole.cases:
        mine = whole.timers_of[case["id"]]
        fired = Counter((t["key"], t["tier"]) for t in mine if t["kind"] == "token" and t["state"] == "fired")
        told = Counter(
            (event["ref"], event["element"])
            for row in whole.chain_of[case["id"]]
            for event in orjson.loads(row["events"])
            if event["name"] == "timer.fired"
        )
        if fired != told:
            yield f"I7: {case['number']}: fired {dict(fired)}, the chain tells {dict(told)}"
    for timer in whole.timers:
        if timer["state"] == "fired" and timer["fired_at"] < timer["due_at"]:
            yield f"I7: timer {timer['id']} fired {timer['due_at'] - timer['fired_at']} too early"


def nothing_is_stuck(whole: Whole, late: timedelta) -> Iterator[str]:
    """I7, I11: nothing due waits longer than `late`, no lease is long over, no key is still at work."""
    for timer in whole.timers:
        if timer["state"] == "armed" and timer["due_at"] < whole.now - late:
            yield f"I7: timer {timer['id']} has been due for {whole.now - timer['due_at']}"
        if timer["state"] == "claimed" and timer["lease_until"] < whole.now - late:
            yield f"I11: timer {timer['id']} is claimed, its lease ended {whole.now - timer['lease_until']} ago"
    yield from (
        f"I11: key {key} is still at work" for key, row in whole.answers.items() if row["status"] is None
    )


def answers_were_deliberate(journal: Journal) -> Iterator[str]:
    """I12: whatever was not an answer for good was one that asks for another try."""
    for sent in journal.sent:
        strange = [status for status in sent.refused if status not in DELIBERATE]
        if strange or sent.status not in (200, 201):
            yield f"I12: {sent.operation} {sent.subject} was answered {strange} {sent.status} {sent.body!r}"
    yield from (f"I12: a client broke: {error!r}" for error in journal.broken)


def the_inbox_is_its_recount(whole: Whole) -> Iterator[str]:
    """I13: every open task lies somewhere, and nothing else does."""
    lying = set(whole.session.execute(select(task_queue.c.task_id)).scalars())
    wanted = {task["id"] for task in whole.tasks if task["state"] in OPEN}
    if lying != wanted:
        yield f"I13: {len(lying - wanted)} closed tasks lie in the inbox, {len(wanted - lying)} open ones do not"


def waiting(session: Session) -> int:
    """How many token timers are due or claimed and have not fired yet."""
    due = (timers.c.state == "claimed") | (
        (timers.c.state == "armed") & (timers.c.due_at <= clock.now(session))
    )
    return int(session.scalar(select(func.count()).where(timers.c.kind == "token", due)))

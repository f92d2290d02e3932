"""Writes a motion down: one statement a table, the audit row, then the case itself."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, insert, update

from app.audit.chain import case_chain, link
from app.cases import followers, save_clocks
from app.cases.attachments.models import attachments
from app.cases.external import follow as external
from app.cases.incidents import opening
from app.cases.models import GOING, case_facts, case_items, case_links, cases, task_queue, tasks, waits
from app.cases.motion import Motion, Row
from app.cases.requests import models as requests
from app.cases.search import index
from app.cases.secrets import taking
from app.clocks import proof
from app.clocks.models import timers
from app.core import dialects, events
from app.core.clock import BEIJING
from app.identity.models import case_access

# Everything of a row that can change after its insert.
_TASK = (
    "stacked",
    "under_id",
    "pools",
    "assignee_id",
    "owner_id",
    "transfers",
    "state",
    "due_at",
    "claimed_at",
    "closed_at",
    "done_by",
    "hand_id",
    "signature",
    "outcome",
    "answers",
    "answers_salt",
    "opinion",
    "draft",
    "revision",
)
_CASE = (
    "title",
    "policy_version",
    "root_id",
    "reopened",
    "suspended_by",
    "suspended_at",
    "merged_into",
    "instructed",
    "supervised",
    "on_hold",
    "excluded",
    "owner_unit",
    "children_open",
    "children_born",
    "state",
    "close_reason",
    "end_element",
    "status",
    "unsatisfied",
    "light",
    "priority",
    "round",
    "closed_at",
    "last_event_at",
    "engine",
    "revision",
    "event_seq",
    "audit_seq",
    "audit_head",
    "data",
)


_UPDATE_CASE = save_clocks.updating(cases, _CASE).where(cases.c.revision == bindparam("seen"))
_LEAVE = delete(task_queue).where(task_queue.c.task_id == bindparam("task"))
_STANDING = (  # 办理中 becomes 已结案 in the lists of who handled it
    update(case_access)
    .where(case_access.c.case_id == bindparam("case"), case_access.c.reason == bindparam("gone"))
    .values(reason=bindparam("here"))
)
_INSERT_CASE = insert(cases)
_OPEN_UP = update(cases).where(cases.c.id == bindparam("case")).values(org_path=bindparam("path"))
_INSERT_QUEUE = insert(task_queue)
_INSERT_CHAIN = insert(case_chain)
_INSERT_WAIT = insert(waits)
_INSERT_FILE = insert(attachments)
_INSERT_LINK = insert(case_links)
_WAIT_OVER = delete(waits).where(waits.c.case_id == bindparam("case"), waits.c.ref == bindparam("which"))


class CaseMoved(RuntimeError):
    """The case's revision changed under our lock: a bug, never to be saved over."""


def save(motions: Sequence[Motion]) -> None:
    """Writes everything that the motions of a transaction gathered, in their order.

    Raises CaseMoved when somebody wrote one of the cases meanwhile.
    """
    for motion in motions:
        _save(motion)
    if motions:
        events.publish(motions[0].session, [event for motion in motions for event in motion.events])
        followers.tell(motions)


def _save(motion: Motion) -> None:
    session, case, changes, board = motion.session, motion.case, motion.changes, motion.board
    seen = case["revision"]
    sealed = taking.seal(motion)
    for line in board.ledger:
        line["chain_seq"] = case["audit_seq"] + 1
    chain = _chain_row(motion)
    case.update(
        light=board.light(),
        last_event_at=motion.now,
        revision=seen + 1,
        event_seq=case["event_seq"] + len(motion.events),
        audit_seq=chain["seq"],
        audit_head=chain["hash"],
    )
    if motion.new:
        session.write(_INSERT_CASE, {**case, "org_path": motion.kept_path})
    else:
        row = {"row_id": case["id"], "seen": seen, **_new(case, _CASE)}
        session.write(_UPDATE_CASE, row, CaseMoved(case["id"]))
        if motion.sealed and not motion.stays_sealed:
            session.write(_OPEN_UP, {"case": case["id"], "path": case["org_path"]})
    if touched := [*changes.updates["tasks"].values(), *motion.opened, *changes.inserts["tasks"]]:
        # One statement for those that were there and those that are new: the budget counts each.
        session.write(dialects.upsert(session.dialect, tasks, ("id",), _TASK), touched)
    if changes.inserts["leaving"]:
        session.write(_LEAVE, changes.inserts["leaving"])
    if changes.inserts["task_queue"]:
        session.write(_INSERT_QUEUE, changes.inserts["task_queue"])
    taking.save(session, sealed)
    save_clocks.save(session, [board], motion.now)
    if changes.updates["case_access"]:
        session.write(
            dialects.insert_ignore(session.dialect, case_access),
            list(changes.updates["case_access"].values()),
        )
    if motion.ended_or_reopened:
        here, gone = ("handled", "closed") if case["state"] in GOING else ("closed", "handled")
        session.write(_STANDING, {"case": case["id"], "gone": gone, "here": here})
    if changes.inserts["waits_gone"]:
        session.write(_WAIT_OVER, changes.inserts["waits_gone"])
    if changes.inserts["waits"]:
        session.write(_INSERT_WAIT, changes.inserts["waits"])
    if changes.inserts["attachments"]:
        session.write(_INSERT_FILE, changes.inserts["attachments"])
    if changes.inserts["case_links"]:
        session.write(_INSERT_LINK, changes.inserts["case_links"])
    if changes.inserts["case_requests"]:
        session.write(requests.INSERT, changes.inserts["case_requests"])
    external.save(motion)
    if changes.updates["case_items"]:
        session.write(
            dialects.upsert(session.dialect, case_items, ("case_id", "name", "round", "place")),
            list(changes.updates["case_items"].values()),
        )
    if motion.moves_root:
        _move_root(motion)
    if facts := _facts(motion):
        session.write(dialects.upsert(session.dialect, case_facts, ("case_id", "name")), facts)
    index.follow(motion, new=motion.new)
    session.write(_INSERT_CHAIN, chain)
    for times, task in _once_a_step(motion.unstaffed):
        where = opening.Where(case["process_key"], case["org_path"], case["id"], task_id=task["id"])
        opening.open_incident(session, "pool-empty", where, opening.PoolEmpty(task), motion.actor, times)
    if motion.stranded:
        where = opening.Where(case["process_key"], case["org_path"], case["id"])
        stranded = opening.NoWayForward(motion.stranded)
        opening.open_incident(session, "no-way-forward", where, stranded, motion.actor)


def _once_a_step(found: Sequence[Row]) -> list[tuple[int, Row]]:
    """How many tasks of each step there are, with one of them: a step of two hundred is told once."""
    times = Counter(task["step"] for task in found)
    one = {task["step"]: task for task in found}
    return [(count, one[step]) for step, count in times.items()]


def _move_root(motion: Motion) -> None:
    """Tasks, timers and waits say whose lock moves them."""
    case = motion.case
    for table in (tasks, timers, waits):
        motion.session.execute(
            update(table).where(table.c.case_id == case["id"]).values(root_id=case["root_id"])
        )


def _chain_row(motion: Motion) -> Row:
    """One row a case and step: all its events, and the SM3 of the ledger lines written with them."""
    case = motion.case
    told = [{"name": event.name, **event.data} for event in motion.events]
    row: Row = {
        "case_id": case["id"],
        "seq": case["audit_seq"] + 1,
        "at": motion.now,
        "actor_id": motion.actor.doer,
        "command": motion.acts[0],
        "events": orjson.dumps(told).decode(),
        "ledger_hash": proof.ledger_hash(motion.board.ledger),
    }
    return {**row, "prev": case["audit_head"], "hash": link(case["audit_head"], row)}


def _facts(motion: Motion) -> list[Row]:
    """The declared facts that changed, in typed columns; None is a fact too, once it had a value."""
    before, data = motion.before, motion.case["data"]
    changed = [name for name in motion.bundle.process.facts if data.get(name) != before.get(name)]
    declared = motion.bundle.process.data
    return [_fact(motion.case["id"], name, declared[name].type, data.get(name)) for name in changed]


def _fact(case_id: str, name: str, kind: str, value: Any) -> Row:
    row: Row = {"case_id": case_id, "name": name, "as_text": None, "as_number": None, "as_instant": None}
    if value is None:
        return row
    if kind in ("int", "decimal"):
        row["as_number"] = float(value)
    elif kind in ("date", "datetime"):
        read = datetime.fromisoformat(value)
        row["as_instant"] = read if read.tzinfo else read.replace(tzinfo=BEIJING)
    elif kind == "bool":
        row["as_text"] = "true" if value else "false"
    else:
        row["as_text"] = str(value)[:200]
    return row


def _new(row: Mapping[str, Any], columns: tuple[str, ...]) -> Row:
    return {f"new_{name}": row[name] for name in columns}

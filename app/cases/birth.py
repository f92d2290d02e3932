"""A case as it is born: its first row; nothing is written yet."""

from datetime import datetime
from typing import Any

from app.audit.chain import GENESIS
from app.bundles import Bundle
from app.cases.motion import Motion
from app.clocks import calendars
from app.clocks.board import Board
from app.core.db import Session
from app.core.ids import new_id
from app.identity.actor import Actor
from app.identity.org import Unit


def born(
    session: Session,
    actor: Actor,
    bundle: Bundle,
    now: datetime,
    place: Unit,
    **columns: Any,
) -> Motion:
    """A new case of a process at a place. `columns` are number, title, source and what else is known."""
    case_id = new_id()
    case: dict[str, Any] = {
        "id": case_id,
        "root_id": case_id,
        "parent_id": None,
        "process_key": bundle.key,
        "version_id": bundle.version,
        "policy_version": None,
        "external_no": None,
        "place_unit": place.code,
        "org_path": place.path,
        "priority": 50,
        "instructed": False,
        "supervised": False,
        "on_hold": False,
        "excluded": False,
        "children_open": 0,
        "children_born": 0,
        "owner_unit": None,
        "merged_into": None,
        "filed_from": None,
        "reporter_id": None,
        "reopened": 0,
        "suspended_by": None,
        "suspended_at": None,
        "round": 0,
        "state": "active",
        "close_reason": None,
        "end_element": None,
        "status": None,
        "unsatisfied": False,
        "light": None,
        "received_at": now,
        "opened_at": now,
        "closed_at": None,
        "last_event_at": now,
        "engine": b"",
        "revision": 0,
        "event_seq": 0,
        "audit_seq": 0,
        "audit_head": GENESIS,
        "data": {},
        **columns,
    }
    board = Board(
        case_id,
        case["root_id"],
        bundle.sla,
        now,
        actor.id,
        [],
        [],
        calendar_of=lambda: calendars.in_force(session, place.path),
    )
    return Motion(session, actor, now, bundle, case, {}, board, new=True)

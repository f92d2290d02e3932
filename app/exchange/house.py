"""What a filed case tells the one that filed it: a message within the house, from its own transaction.

The row is kept beside the change that it tells of; the postman brings it as any other. So neither case waits
for the other's lock, and what was committed is told once, whoever is killed.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, insert, or_, select, text

from app import bundles
from app.bundles.messages import AT_END, AT_STATUS, OF_PROCESS, Message
from app.cases import waits
from app.cases.commands.feeding import Word
from app.cases.joined import joined
from app.cases.models import GOING, cases
from app.cases.motion import Motion, expression_data
from app.core.db import Session
from app.core.ids import new_id
from app.crypto import marks
from app.crypto.data_keys import INBOUND
from app.crypto.sealed import Place, seal
from app.crypto.sm3 import sm3_hex
from app.exchange.models import KEPT, inbound
from app.exchange.reach import Reach

Row = dict[str, Any]

STATES = {"closed": "已办结", "cancelled": "已终止"}
"""What `$.state` says of a case that is over; of one that goes on 办理中."""

HEARS = (*GOING, "merged")
"""States in which the case that filed still hears."""

_FILER = select(cases.c.version_id, cases.c.state).where(cases.c.id == bindparam("which"))
_FILED = cases.alias("filed")
_HEARER = (
    select(cases.c.id, cases.c.state)
    .join(_FILED, _FILED.c.filed_from == cases.c.id)
    .where(_FILED.c.id == bindparam("filed"))
)
_older = inbound.alias("older")
IN_TURN = or_(
    inbound.c.channel.not_like(f"{OF_PROCESS}%"),
    ~select(_older.c.id)
    .where(
        text("older.state in ('received', 'parked')"),
        _older.c.principal_id == inbound.c.principal_id,
        _older.c.name == inbound.c.name,
        _older.c.id < inbound.c.id,
    )
    .exists(),
)
"""What one case tells under one name is brought in the order in which it was told."""


def keep_what_is_told(motions: Sequence[Motion]) -> None:
    """Follows: a filed case came to another status, or ended, and the one that filed it asks for that."""
    here = {motion.case["id"]: motion for motion in motions}
    filed = [motion for motion in motions if motion.case["filed_from"] is not None]
    rows = [row for motion in filed for row in _rows(motion, here.get(motion.case["filed_from"]))]
    if rows:
        motions[0].session.execute(insert(inbound), rows)


def _rows(motion: Motion, filer: Motion | None) -> Iterator[Row]:
    """`filer` is the case that filed it, where that moves in this transaction too."""
    case, was = motion.case, motion.was
    ended = case["state"] in STATES and case["state"] != was.get("state")
    if not ended and case["status"] in (None, was.get("status")):
        return
    found = filer.case if filer is not None else _read(motion)
    if found["state"] not in HEARS:
        return
    sender = OF_PROCESS + motion.bundle.key
    asked = [each for each in bundles.get(found["version_id"]).messages.values() if each.sender == sender]
    at = AT_END if ended and any(each.at == AT_END for each in asked) else AT_STATUS
    for place, message in enumerate(each for each in asked if each.at == at):
        yield _row(motion, message, f"{case['id']}:{case['revision']}:{place}")


def _read(motion: Motion) -> Mapping[str, Any]:
    return dict(motion.session.execute(_FILER, {"which": motion.case["filed_from"]}).mappings().one())


def _row(motion: Motion, message: Message, message_id: str) -> Row:
    session, case, now = motion.session, motion.case, motion.now
    body = orjson.dumps(_body(motion, message))
    place = Place("inbound", "body", f"{message.sender}|{message_id}")
    return {
        "id": new_id(),
        "channel": message.sender,
        "principal_id": case["id"],
        "org_path": motion.kept_path,
        "message_id": message_id,
        "part": 0,
        "name": message.name,
        "key": case["number"],
        "fingerprint": marks.mark(session, INBOUND, sm3_hex(body)),
        "body": seal(session, INBOUND, place, body),
        "state": "received",
        "received_at": now,
        "expires_at": now + KEPT,
        "next_at": now,
        "attempts": 0,
    }


def _body(motion: Motion, message: Message) -> Row:
    """What may be asked for as `$.…`; of the case's data what the message asks for, empty where
    it holds nothing. Secrets are not in it."""
    case, process = motion.case, motion.bundle.process
    holds = motion.said or expression_data(motion.bundle, case)
    return {
        "number": case["number"],
        "title": case["title"],
        "process": process.name,
        "status": case["status"],
        "public": process.public_status(case["status"]),
        "state": STATES.get(case["state"], "办理中"),
        "reason": case["close_reason"],
        "data": {name: holds.get(name) for name in message.asks.values()},
    }


def is_of(row: Mapping[str, Any]) -> bool:
    """Whether a case of the house told it."""
    return str(row["channel"]).startswith(OF_PROCESS)


def word(row: Mapping[str, Any], body: Mapping[str, Any]) -> Word:
    """The same for the case that hears it."""
    return Word(row["principal_id"], body["process"], body["status"], body["public"])


def look(session: Session, row: Mapping[str, Any]) -> Reach:
    """Whom it reaches: the case that filed the sender and waits for it, or the one it was merged into."""
    hearer = session.execute(_HEARER, {"filed": row["principal_id"]}).one().id
    name, key, sender = row["name"], row["key"], row["channel"]
    waiting = [
        wait
        for wait in waits.waiting_for(session, name, key)
        if wait["case_id"] == hearer and bundles.get(wait["version_id"]).messages[name].sender == sender
    ]
    if waiting:
        return Reach(waiting, ())
    merged = [each for each in joined(session, name, key, ()) if each.case["id"] == hearer]
    return Reach((), (), name, merged[0] if merged else None)


def heard_later(session: Session, rows: Sequence[Row]) -> set[str]:
    """Of parked rows those of the house whose hearer is not over: it may yet come to where it waits."""
    told = [row for row in rows if is_of(row)]
    found = {row["id"]: session.execute(_HEARER, {"filed": row["principal_id"]}).one().state for row in told}
    return {row_id for row_id, state in found.items() if state in HEARS}

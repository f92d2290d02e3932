"""The ballot box of a secret poll: one sealed value with all ballots, in the order of their receipts."""

import re

import orjson
from sqlalchemy import bindparam, delete, insert, select, update

from app.core.db import Session
from app.crypto import data_keys
from app.crypto.sealed import Place, Sealed, open_, seal_with
from app.crypto.sm3 import sm3
from app.polls.models import poll_boxes
from app.polls.tally import Ballot

CODE = re.compile(r"[A-Za-z0-9_-]{22,64}", re.ASCII)
"""A receipt code: at least 128 bits by chance, chosen where the voter is, never kept here."""

_BOX = select(poll_boxes.c.ballots).where(poll_boxes.c.poll_id == bindparam("poll"))
_CHANGE = (
    update(poll_boxes)
    .where(poll_boxes.c.poll_id == bindparam("poll"))
    .values(ballots=bindparam("all_of_them"))
)
_GONE = delete(poll_boxes).where(poll_boxes.c.poll_id == bindparam("poll"))


def receipt_of(poll_id: str, matter: int, code: str) -> bytes:
    """What is published for a matter: nobody without the code can tell whose it is, nor that two matters were
    voted on by one person. Sixteen bytes of SM3."""
    return sm3(f"{poll_id} {matter} {code}".encode())[:16]


def make(session: Session, poll_id: str) -> None:
    """An empty box. Its key is the poll's own."""
    session.execute(insert(poll_boxes), {"poll_id": poll_id, "ballots": _sealed(session, poll_id, [])})


def look(session: Session, poll_id: str) -> list[Ballot]:
    """The ballots in the box, by matter and receipt."""
    sealed: Sealed | None = session.scalar(_BOX, {"poll": poll_id})
    if sealed is None:
        return []
    kept = orjson.loads(open_(session, _place(poll_id), sealed))
    return [(matter, bytes.fromhex(receipt), choice) for matter, receipt, choice in kept]


def fill(session: Session, poll_id: str, ballots: list[Ballot]) -> None:
    """All ballots that there are now, written anew in the order of matter and receipt; the poll is locked."""
    sealed = _sealed(session, poll_id, sorted(ballots))
    session.execute(_CHANGE, {"poll": poll_id, "all_of_them": sealed})


def empty(session: Session, poll_id: str) -> list[Ballot]:
    """Takes all ballots out; the box is gone."""
    ballots = look(session, poll_id)
    session.execute(_GONE, {"poll": poll_id})
    return ballots


def _sealed(session: Session, poll_id: str, ballots: list[Ballot]) -> Sealed:
    value = orjson.dumps([(matter, receipt.hex(), choice) for matter, receipt, choice in ballots])
    return seal_with(data_keys.of(session, f"poll:{poll_id}"), _place(poll_id), value)


def _place(poll_id: str) -> Place:
    return Place("poll_boxes", "ballots", poll_id)

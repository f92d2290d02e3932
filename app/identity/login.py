"""Signing in and out, and the one statement that turns a bearer token into an actor."""

import logging
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, delete, exists, insert, or_, select

from app.core import clock, db, dialects, events, ids
from app.core.config import settings
from app.core.db import Session, reading, transaction
from app.core.errors import Unavailable
from app.core.http.gate import TokenInvalid
from app.crypto.sm3 import sm3_hex
from app.identity import passwords
from app.identity.actor import Actor, Appointment, Standing, actor_of
from app.identity.errors import SignInFailed, SignInLocked
from app.identity.models import (
    appointments,
    people,
    role_permissions,
    sign_in_failures,
    substitutions,
    tokens,
    units,
)

log = logging.getLogger("huying.identity")

MOST_FAILURES = 5
FAILURE_WINDOW = timedelta(minutes=15)
GRANTS_STAMP = "grants_stamp"
_PREFIX = "hy_"


@dataclass(frozen=True)
class SignedIn:
    """A fresh token (shown once), its end, and whose it is."""

    token: str
    expires_at: datetime
    actor: Actor


_STAMP = select(db.system_state.c.value).where(db.system_state.c.name == GRANTS_STAMP).scalar_subquery()
_SERVING = and_(
    appointments.c.person_id == people.c.id,
    or_(appointments.c.valid_from.is_(None), appointments.c.valid_from <= bindparam("now")),
    or_(appointments.c.valid_to.is_(None), appointments.c.valid_to > bindparam("now")),
)
_lent = substitutions.alias("lent")
_ACTOR = select(
    exists()
    .where(
        _lent.c.substitute_id == people.c.id,
        _lent.c.ended_at.is_(None),
        or_(_lent.c.valid_until > bindparam("now"), clock.moved()),
    )
    .label("represents"),
    people.c.id,
    people.c.login,
    people.c.name,
    people.c.kind,
    appointments.c.role,
    appointments.c.unit_id,
    units.c.code,
    appointments.c.unit_path,
    _STAMP.label("stamp"),
)
_PEOPLE = people.outerjoin(appointments, _SERVING).outerjoin(units, units.c.id == appointments.c.unit_id)
_BY_TOKEN = (
    _ACTOR.select_from(tokens.join(_PEOPLE, tokens.c.person_id == people.c.id))
    .where(tokens.c.hash == bindparam("hash"), tokens.c.expires_at > bindparam("now"))
    .where(people.c.state == "active")
    .order_by(appointments.c.id)
)
_BY_ID = (
    _ACTOR.select_from(_PEOPLE)
    .where(people.c.id == bindparam("id"), people.c.state == "active")
    .order_by(appointments.c.id)
)
# Whom somebody represents, each with his appointments; the dates are those of the cases' clock, looked at
# once more when they are read: what is over by the machine's time is left out where the two are one.
_STANDINGS = (
    _ACTOR.add_columns(
        substitutions.c.id.label("standing_id"),
        substitutions.c.processes,
        substitutions.c.valid_from,
        substitutions.c.valid_until,
        *clock.columns(),
    )
    .select_from(substitutions.join(_PEOPLE, substitutions.c.person_id == people.c.id))
    .where(
        substitutions.c.substitute_id == bindparam("substitute"),
        substitutions.c.ended_at.is_(None),
        or_(substitutions.c.valid_until > bindparam("now"), clock.moved()),
    )
    .where(people.c.state == "active")
    .order_by(substitutions.c.id, appointments.c.id)
)
_BY_LOGIN = select(people.c.id, people.c.password_hash, people.c.state).where(
    people.c.login == bindparam("login")
)
_GRANTS = select(role_permissions.c.role, role_permissions.c.permission)
_FAILURES = (
    select(sign_in_failures.c.failed_at)
    .where(sign_in_failures.c.pair == bindparam("pair"), sign_in_failures.c.failed_at > bindparam("since"))
    .order_by(sign_in_failures.c.failed_at.desc())
    .limit(MOST_FAILURES)
)


def sign_in(login: str, password: str, address: str = "") -> SignedIn:
    """A token for the right password.

    Raises SignInFailed (401; the same words and time for a wrong password, an unknown login and a disabled
    account), SignInLocked (429) after five failures of the pair login and address within 15 minutes, and
    Unavailable (503) when too many sign in at once.
    """
    pair = sm3_hex(login.encode(), b"\n", address.encode())
    now = clock.wall()
    with transaction() as session:
        _refuse_if_locked(session, pair, now)
        # Counted before the password is looked at: otherwise parallel guesses would all be the first.
        attempt = ids.new_id()
        session.execute(insert(sign_in_failures), {"id": attempt, "pair": pair, "failed_at": now})
        person = session.execute(_BY_LOGIN, {"login": login}).one_or_none()
    try:
        right = passwords.matches(password, person.password_hash if person is not None else None)
    except Unavailable:  # nobody looked at the password, so it was no failure
        with transaction() as session:
            session.execute(delete(sign_in_failures).where(sign_in_failures.c.id == attempt))
        raise
    if person is None or not right or person.state != "active":
        events.security(
            "sign-in-failed", person.id if person is not None else None, None, {"pair": pair[:16]}
        )
        raise SignInFailed
    with transaction() as session:
        session.execute(delete(sign_in_failures).where(sign_in_failures.c.pair == pair))
        token, expires_at = token_for(session, person.id)
        actor = actor_by_id(session, person.id)
    events.security("signed-in", person.id, None, {})
    return SignedIn(token, expires_at, actor)


def token_for(session: Session, person_id: str, hours: int | None = None) -> tuple[str, datetime]:
    """A new token of 256 random bits for somebody, and when it ends; only its hash is kept."""
    token = _PREFIX + secrets.token_urlsafe(32)
    now = clock.wall()
    expires_at = now + timedelta(hours=hours if hours is not None else settings().token_hours)
    row = {
        "hash": sm3_hex(token.encode()),
        "person_id": person_id,
        "issued_at": now,
        "expires_at": expires_at,
    }
    session.execute(insert(tokens), row)
    return token, expires_at


def actor_by_token(session: Session, token: str) -> Actor:
    """Whose token it is, with appointments and permissions as they are now. One statement when warm.

    Raises TokenInvalid (401) for a token that is unknown, expired, withdrawn, or of a disabled account.
    """
    rows = session.execute(_BY_TOKEN, {"hash": sm3_hex(token.encode()), "now": clock.wall()}).all()
    if not rows:
        raise TokenInvalid
    return _actor(session, rows)


def actor_by_id(session: Session, person_id: str) -> Actor:
    """A person or service as an actor (jobs, scenarios). Raises TokenInvalid when unknown or disabled."""
    rows = session.execute(_BY_ID, {"id": person_id, "now": clock.wall()}).all()
    if not rows:
        raise TokenInvalid
    return _actor(session, rows)


def authenticate(token: str) -> Actor:
    """What the gate calls for a bearer token."""
    with reading() as session:
        return actor_by_token(session, token)


def sign_out(token: str) -> None:
    """Ends this token at once."""
    with transaction() as session:
        session.execute(delete(tokens).where(tokens.c.hash == sm3_hex(token.encode())))


def forget_expired(session: Session, most: int = 1000) -> int:
    """Deletes tokens and failures whose time is over; returns how many."""
    now = clock.wall()
    gone = 0
    for table, key, condition in (
        (tokens, tokens.c.hash, tokens.c.expires_at < now),
        (sign_in_failures, sign_in_failures.c.id, sign_in_failures.c.failed_at < now - FAILURE_WINDOW),
    ):
        keys = [row[0] for row in session.execute(select(key).where(condition).limit(most))]
        if keys:
            session.execute(delete(table).where(key.in_(keys)))
            gone += len(keys)
    return gone


def sweep() -> None:
    """Deletes tokens and failures whose time is over, a batch."""
    with transaction() as session:
        forget_expired(session)


def grants_changed(session: Session) -> None:
    """Called by whoever changes what a role may do: every process reads the grants anew."""
    session.execute(
        dialects.upsert(session.dialect, db.system_state, ("name",)),
        {"name": GRANTS_STAMP, "value": ids.new_id()},
    )


def _refuse_if_locked(session: Session, pair: str, now: datetime) -> None:
    failed = session.execute(_FAILURES, {"pair": pair, "since": now - FAILURE_WINDOW}).scalars().all()
    if len(failed) == MOST_FAILURES:
        wait = int((failed[-1] + FAILURE_WINDOW - now).total_seconds()) + 1
        raise SignInLocked(headers={"Retry-After": str(wait)})


def _actor(session: Session, rows: Any) -> Actor:
    first = rows[0]
    actor = _alone(session, rows)
    return replace(actor, stands_for=_standings(session, actor)) if first.represents else actor


def _alone(session: Session, rows: Any) -> Actor:
    first = rows[0]
    return actor_of(
        first.id, first.login, first.name, first.kind, _held(rows), _granted(session, first.stamp)
    )


def _standings(session: Session, actor: Actor) -> tuple[Standing, ...]:
    found: dict[str, list[Any]] = {}
    for row in session.execute(_STANDINGS, {"substitute": actor.id, "now": clock.wall()}):
        if row.valid_from <= clock.at(row.raw_now, row.clock_offset) < row.valid_until:
            found.setdefault(row.standing_id, []).append(row)
    return tuple(
        Standing(
            which,
            _alone(session, rows),
            frozenset(rows[0].processes) if rows[0].processes is not None else None,
        )
        for which, rows in found.items()
    )


def _held(rows: Any) -> Iterator[Appointment]:
    for row in rows:
        if row.role is not None:
            yield Appointment(row.role, row.unit_id, row.code, row.unit_path)


def _granted(session: Session, stamp: str | None) -> Mapping[str, tuple[str, ...]]:
    """What each role may do, kept in the process until the stamp in the database changes."""
    found = _grants_by_stamp.get(stamp) if stamp is not None else None
    if found is None:
        collected: dict[str, list[str]] = {}
        for row in session.execute(_GRANTS):
            collected.setdefault(row.role, []).append(row.permission)
        found = {role: tuple(sorted(names)) for role, names in collected.items()}
        if stamp is not None:
            if len(_grants_by_stamp) > 50:
                _grants_by_stamp.clear()
            _grants_by_stamp[stamp] = found
    return found


_grants_by_stamp: dict[str, Mapping[str, tuple[str, ...]]] = {}

"""How each partner's door answers: after some failures in a row it counts as shut, and one try tests it."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, select

from app.core import dialects
from app.core.db import Session
from app.exchange.models import endpoint_health

MOST_FAILURES = 5
"""In a row; with the next one nobody knocks for a while. Source: exchange.md §1."""
FIRST_PAUSE = 60
LONGEST_PAUSE = 1800
LONGEST_ASKED = 24 * 3600
"""Seconds a partner may ask us to stay away."""

_STATE = select(endpoint_health).where(endpoint_health.c.endpoint == bindparam("endpoint"))
_LOCKED = dialects.locked(_STATE)


def closed(session: Session, endpoint: str, now: datetime) -> bool:
    """Whether nobody should knock now."""
    state = session.execute(_STATE, {"endpoint": endpoint}).one_or_none()
    return state is not None and state.closed_until is not None and state.closed_until > now


def answered(session: Session, endpoint: str, now: datetime) -> None:
    """Somebody opened, whatever they said."""
    _keep(session, endpoint, failures=0, closed_until=None, answered_at=now, last_error=None)


def failed(
    session: Session, endpoint: str, now: datetime, why: str, asked: int | None = None
) -> tuple[bool, datetime | None]:
    """Nobody opened. Whether that was known before, and until when nobody should knock.

    `asked` are the seconds for which the partner wants to be left alone.
    """
    state = session.execute(_LOCKED, {"endpoint": endpoint}).one_or_none()
    before = state.failures if state is not None else 0
    known = before > MOST_FAILURES
    until = None
    if asked is not None:
        until = now + timedelta(seconds=min(asked, LONGEST_ASKED))
    elif before >= MOST_FAILURES:
        pause = min(FIRST_PAUSE * 2 ** min(before - MOST_FAILURES, 10), LONGEST_PAUSE)
        until = now + timedelta(seconds=pause)
    _keep(
        session,
        endpoint,
        failures=before + 1,
        closed_until=until,
        answered_at=state.answered_at if state is not None else None,
        last_error=why,
    )
    return known, until


def _keep(session: Session, endpoint: str, **columns: object) -> None:
    session.execute(
        dialects.upsert(session.dialect, endpoint_health, ("endpoint",)), {"endpoint": endpoint, **columns}
    )

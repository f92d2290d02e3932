"""Carries what leaves over a channel: a few rows at a time, held with a lease, tried again, at least once.

Killed between the channel's yes and our mark, the same rows go again with the same ids.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, or_, select, text, update

from app.cases.models import cases
from app.core import clock, dialects
from app.core.config import settings
from app.core.db import Instant, reading, transaction
from app.core.ids import new_id
from app.identity.models import people
from app.notices.channels import Channel, Message, Undelivered
from app.notices.models import notice_deliveries, notices
from app.notices.rules import DIGEST, in_force

WAITS = (1, 10, 60, 300, 1800)
"""Seconds before the next try, with full jitter; after the last the row is dead. Source: trust.md §3.7."""
TRIES = len(WAITS) + 1
MOST = 50
"""Messages in one try."""
LONGEST_PAUSE = 24 * 3600
SHARE_OF_LEASE = 0.6
"""A try ends long before its lease does, so that nobody else holds the rows meanwhile."""

_row = notice_deliveries.c
_MAY_GO = (
    _row.channel == bindparam("channel"),
    text("notice_deliveries.state in ('pending', 'claimed')"),
    or_(
        and_(_row.state == "pending", _row.next_at <= bindparam("now", type_=Instant)),
        and_(_row.state == "claimed", _row.lease_until <= bindparam("now", type_=Instant)),
    ),
)
_ANY = select(_row.id).where(*_MAY_GO).limit(1)
_NEXT = dialects.locked(
    select(_row.id, _row.attempts).where(*_MAY_GO).order_by(_row.next_at, _row.id).limit(MOST), skip=True
)
_SAID = (
    select(
        _row.id,
        people.c.login,
        people.c.state,
        notices.c.kind,
        notices.c.count,
        notices.c.urgent,
        notices.c.at,
        notices.c.text,
        notices.c.read_at,
        cases.c.number,
    )
    .select_from(
        notice_deliveries.join(notices, notices.c.id == _row.notice_id)
        .join(people, people.c.id == _row.person_id)
        .outerjoin(cases, cases.c.id == notices.c.case_id)
    )
    .where(dialects.one_of(_row.id, "ids"))
    .order_by(_row.id)
)
_CLAIM = (
    update(notice_deliveries)
    .where(_row.id == bindparam("row_id"))
    .values(
        state="claimed", attempts=_row.attempts + 1, lease_by=bindparam("by"), lease_until=bindparam("until")
    )
)
_MINE = (_row.id == bindparam("row_id")) & (_row.state == "claimed") & (_row.lease_by == bindparam("holder"))
_SETTLE = (
    update(notice_deliveries)
    .where(_MINE)
    .values(
        state=bindparam("how"),
        attempts=bindparam("tries"),
        next_at=bindparam("again"),
        settled_at=bindparam("done"),
        last_error=bindparam("why"),
        lease_by=None,
        lease_until=None,
    )
)
_DEAD = update(notice_deliveries).where(_row.id == bindparam("row_id")).values(state="dead", lease_by=None)


@dataclass(frozen=True)
class _Held:
    """Rows that this worker holds, with how often each was tried, this time included."""

    holder: str
    tries: Mapping[str, int]
    messages: Sequence[Message]
    stale: Sequence[str]
    """Read meanwhile, or of somebody who is gone: nothing is to be said any more."""


def carry(name: str, channel: Channel, worker: str) -> int:
    """Sends the next few rows of this channel; returns how many there were."""
    held = _claim(name, worker)
    if held is None:
        return 0
    why: Mapping[str, str] = {}
    failed: Undelivered | None = None
    try:
        if held.messages:
            seconds = settings().lease_seconds * SHARE_OF_LEASE
            why = channel.send(held.messages, seconds)
    except Undelivered as undelivered:
        failed = undelivered
    with transaction() as session:
        now = clock.now(session)
        rows = [_outcome(held, row_id, now, why.get(row_id), failed) for row_id in held.tries]
        session.execute(_SETTLE, rows)
    return len(held.tries)


def _claim(name: str, worker: str) -> _Held | None:
    with reading() as session:  # an idle look writes nothing and waits for nobody
        if session.execute(_ANY, {"channel": name, "now": clock.now(session)}).first() is None:
            return None
    holder = f"{worker}:{new_id()}"
    with transaction() as session:
        now = clock.now(session)
        found = session.execute(_NEXT, {"channel": name, "now": now}).all()
        worn = [{"row_id": row.id} for row in found if row.attempts >= TRIES]
        if worn:  # whoever held them for the last time never came back
            session.execute(_DEAD, worn)
        rows = [row for row in found if row.attempts < TRIES]
        if not rows:
            return None
        until = now + timedelta(seconds=settings().lease_seconds)
        session.execute(_CLAIM, [{"row_id": row.id, "by": holder, "until": until} for row in rows])
        said = session.execute(_SAID, {"ids": [row.id for row in rows]}).all()
    wanted = [row for row in said if row.read_at is None and row.state == "active"]
    messages = [Message(row.id, row.login, outward(row), row.urgent, row.at) for row in wanted]
    stale = {row.id for row in rows} - {message.id for message in messages}
    return _Held(holder, {row.id: row.attempts + 1 for row in rows}, messages, sorted(stale))


def outward(row: Any) -> str:
    """What leaves the house: what kind of thing it is, how many, the number of the case. Nothing typed."""
    label = in_force().kind(row.kind).label
    if row.kind == DIGEST:
        return f"您有 {row.text}，请登录系统查看。"  # a count of classes: no words of anybody
    several = f" {row.count} 条" if row.count > 1 else ""
    number = f"（{row.number}）" if row.number else ""
    return f"您有新的{label}{several}{number}，请登录系统查看。"


def _outcome(
    held: _Held, row_id: str, now: datetime, refused: str | None, failed: Undelivered | None
) -> dict[str, Any]:
    tries = held.tries[row_id]
    row = {"row_id": row_id, "holder": held.holder, "tries": tries, "again": now, "done": now, "why": None}
    if row_id in held.stale or (failed is None and refused is None):
        return {**row, "how": "sent"}
    why = (refused if refused is not None else failed.zh if failed else "")[:200]
    if failed is not None and not failed.counts:
        tries -= 1
    if tries >= TRIES:
        return {**row, "how": "dead", "why": why}
    wait = random.uniform(0, WAITS[max(tries, 1) - 1])
    if failed is not None and failed.pause is not None:
        wait = min(failed.pause, LONGEST_PAUSE)
    again = now + timedelta(seconds=wait)
    return {**row, "how": "pending", "tries": tries, "again": again, "done": None, "why": why}

"""What comes at once comes as one: repeats about a case, and many notices of one person, are folded.

A notice that is folded stays where it is; another stands for it in the mailbox and says how many there are.
What each person's channels are to carry becomes rows here, in the same transaction.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, text, update

from app.core import clock, dialects
from app.core.db import Instant, Session, transaction
from app.core.ids import new_id
from app.identity.actor import SYSTEM
from app.notices import channels
from app.notices.models import notice_deliveries, notice_settings, notices
from app.notices.rules import DIGEST, Rules, in_force

Row = dict[str, Any]

MOST = 500
"""Notices in one transaction."""

_NEW = dialects.locked(
    select(notices)
    .where(text("notices.state = 'new'"), notices.c.tell_at <= bindparam("now", type_=Instant))
    .order_by(notices.c.tell_at, notices.c.id)
    .limit(MOST),
    skip=True,
)
_SETTINGS = select(notice_settings).where(dialects.one_of(notice_settings.c.person_id, "people"))
_SETTLED = (
    update(notices)
    .where(notices.c.id == bindparam("row_id"))
    .values(state="told", folded_into=bindparam("into"), count=bindparam("stands_for"))
)


def fold_due() -> int:
    """Settles every notice whose time has come; returns how many. Several workers share them."""
    total = 0
    while True:
        with transaction() as session:
            found = _settle(session)
        total += found
        if found < MOST:
            return total


def _settle(session: Session) -> int:
    now = clock.now(session)
    rows = [dict(row) for row in session.execute(_NEW, {"now": now}).mappings()]
    if not rows:
        return 0
    settings = {row.person_id: row for row in session.execute(_SETTINGS, {"people": _people(rows)})}
    rules, made, leaving = in_force(), [], []
    for person in _people(rows):
        mine = [row for row in rows if row["person_id"] == person]
        wanted = settings.get(person)
        top = _repeats(mine)
        if wanted is None or wanted.digest:
            digest = _digest(top, mine, rules, now)
            made += digest
            top = [*(row for row in top if row["folded_into"] is None), *digest]
        names = channels.usual() if wanted is None else wanted.channels
        leaving += [_delivery(row, name, now) for row in top for name in names]
    if made:
        session.execute(insert(notices), made)
    settled = [{"row_id": row["id"], "into": row["folded_into"], "stands_for": row["count"]} for row in rows]
    session.execute(_SETTLED, settled)
    if leaving:
        session.execute(insert(notice_deliveries), leaving)
    return len(rows)


def _people(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["person_id"] for row in rows))


def _repeats(rows: Sequence[Row]) -> list[Row]:
    """Of several of one class about one case the last stands for all; returns those that stand."""
    last: dict[tuple[str, str], Row] = {}
    standing: list[Row] = []
    for row in sorted(rows, key=lambda each: (each["at"], each["id"])):
        about = (row["kind"], row["case_id"])
        before = last.get(about) if row["case_id"] and not row["urgent"] else None
        if before is not None:
            standing.remove(before)
            for folded in (before, *(each for each in rows if each["folded_into"] == before["id"])):
                folded["folded_into"] = row["id"]
            row["count"], before["count"] = before["count"] + 1, 1
        if not row["urgent"]:
            last[about] = row
        standing.append(row)
    return standing


def _digest(rows: Sequence[Row], mine: Sequence[Row], rules: Rules, now: datetime) -> list[Row]:
    """One notice for these, when there are enough of them; none otherwise. What is urgent stands alone."""
    several = [row for row in rows if not row["urgent"]]
    if len(several) < rules.digest:
        return []
    how_many = Counter(row["kind"] for row in several for _ in range(row["count"]))
    said = "、".join(f"{rules.kind(kind).label} {count} 条" for kind, count in how_many.most_common())
    whole: Row = {
        "id": new_id(),
        "person_id": several[0]["person_id"],
        "kind": DIGEST,
        "case_id": None,
        "key": several[0]["id"],
        "text": f"{how_many.total()} 条通知：{said}",
        "by_id": SYSTEM.id,
        "urgent": False,
        "at": now,
        "tell_at": max(row["tell_at"] for row in several),
        "folded_into": None,
        "count": how_many.total(),
        "state": "told",
    }
    standing = {row["id"] for row in several}
    for row in mine:
        if row["id"] in standing or row["folded_into"] in standing:
            row["folded_into"], row["count"] = whole["id"], 1
    return [whole]


def _delivery(row: Row, channel: str, now: datetime) -> Row:
    return {
        "id": new_id(),
        "notice_id": row["id"],
        "person_id": row["person_id"],
        "channel": channel,
        "state": "pending",
        "attempts": 0,
        "next_at": now,
        "created_at": now,
    }

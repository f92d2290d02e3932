"""重复诉求: earlier cases of the same person, at the same place, that read much the same.

The person is known by the blind index of a number, never by the number; few cases are that person's, and only
of those are texts compared.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from rapidfuzz import fuzz
from sqlalchemy import ColumnElement, exists, or_, select

from app.bundles.hints import Repeats
from app.cases.models import case_links, cases
from app.cases.secrets.table import case_secrets
from app.clocks.explain import when
from app.core.clock import BEIJING
from app.core.db import Session
from app.core.http.fields import out
from app.crypto import blind, data_keys
from app.crypto.data_keys import INDEX
from app.engine.durations import parse_duration
from app.identity.actor import Actor
from app.identity.permissions import CASE_READ
from app.identity.scopes import case_scope

MOST = 50
"""Earlier cases of a person whose texts are compared, the newest first."""
SHOWN = 5
LONGEST = 1000
"""Characters of a text that are compared."""
SHORT = 8
"""Characters; a text with fewer says too little to be looked for within another."""
_READ = tuple(cases.c[name] for name in ("id", "number", "title", "status", "state", "received_at", "data"))
_MARKS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Earlier:
    """A case that is repeated, and how alike the texts are, in percent."""

    id: str
    number: str
    title: str
    status: str | None
    state: str
    received_at: datetime
    likeness: int

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "number": self.number,
            "title": self.title,
            "status": self.status,
            "state": self.state,
            "receivedAt": out(self.received_at),
            "likeness": self.likeness,
            "link": f"/api/v1/cases/{self.id}",
        }


def of_case(session: Session, actor: Actor, rule: Repeats, case: Mapping[str, Any]) -> list[Earlier]:
    """What a case repeats of what the actor sees, the earliest first; not what it is linked to already."""
    own = case_secrets.alias("own")
    same = (
        select(case_secrets.c.case_id)
        .join(own, (own.c.name == case_secrets.c.name) & (own.c.blind == case_secrets.c.blind))
        .where(own.c.case_id == case["id"], own.c.name.in_(rule.caller))
    )
    linked = exists().where(
        or_(
            (case_links.c.from_id == case["id"]) & (case_links.c.to_id == cases.c.id),
            (case_links.c.to_id == case["id"]) & (case_links.c.from_id == cases.c.id),
        )
    )
    about = {"id": case["id"], "title": case["title"], **case["data"]}
    where = (cases.c.id.in_(same), cases.c.id != case["id"], ~linked)
    return _alike(
        session, actor, rule, case["process_key"], about, case["place_unit"], case["received_at"], where
    )


def of_filing(
    session: Session,
    actor: Actor,
    rule: Repeats,
    process: str,
    about: Mapping[str, Any],
    place: str,
    now: datetime,
) -> list[Earlier]:
    """The same for what is about to be filed: `about` holds title and answers with the caller's numbers."""
    key = data_keys.active(session, data_keys.SYSTEM, INDEX)
    numbers = {name: about[name] for name in rule.caller if isinstance(about.get(name), str)}
    if key is None or not numbers:
        return []
    marks = [blind.exact(key, name, value) for name, value in numbers.items()]
    same = select(case_secrets.c.case_id).where(
        case_secrets.c.name.in_(list(numbers)), case_secrets.c.blind.in_(marks)
    )
    return _alike(session, actor, rule, process, about, place, now, (cases.c.id.in_(same),))


def says(earlier: Sequence[Earlier]) -> str:
    """Of the first, in words; who the person is, is not among them."""
    first = earlier[0]
    more = f"，之后还有 {len(earlier) - 1} 件" if len(earlier) > 1 else ""
    return (
        f"可能是重复诉求：同一来电人 {when(first.received_at)} 反映过“{first.title}”（{first.number}，"
        f"{first.status or '已登记'}，相似 {first.likeness}%{more}）。可以关联、合并，也可以继续办理。"
    )


def likeness(one: str, other: str) -> int:
    """How much two texts have in common, in percent, blanks and marks aside."""
    texts = _plain(one), _plain(other)
    # A few words are found whole in many a long text: they are held against all of it.
    score = fuzz.ratio if min(map(len, texts)) < SHORT else fuzz.partial_ratio
    return round(score(*texts))


def _alike(
    session: Session,
    actor: Actor,
    rule: Repeats,
    process: str,
    about: Mapping[str, Any],
    place: str,
    received: datetime,
    where: Collection[ColumnElement[bool]],
) -> list[Earlier]:
    statement = (
        select(
            *(cases.c[name] for name in ("id", "number", "title", "status", "state", "received_at", "data"))
        )
        .where(
            *where,
            cases.c.process_key == process,
            cases.c.received_at >= _since(received, rule.within),
            cases.c.received_at <= received,
            cases.c.state != "cancelled",
            case_scope(actor, CASE_READ, cases.c.org_path, cases.c.id),
        )
        .order_by(cases.c.received_at.desc(), cases.c.id)
        .limit(MOST)
    )
    if rule.same_place:
        statement = statement.where(cases.c.place_unit == place)
    said = _text(rule, about)
    found = []
    for row in session.execute(statement):
        alike = likeness(said, _text(rule, {**row.data, "title": row.title}))
        if alike >= rule.likeness:
            found.append(
                Earlier(row.id, row.number, row.title, row.status, row.state, row.received_at, alike)
            )
    return found[::-1][:SHOWN]


def _since(received: datetime, within: str) -> datetime:
    length = parse_duration(within)
    days = relativedelta(years=length.years, months=length.months, weeks=length.weeks, days=length.days)
    return received.astimezone(BEIJING) - days - timedelta(hours=length.hours, minutes=length.minutes)


def _text(rule: Repeats, values: Mapping[str, Any]) -> str:
    return "。".join(str(values[name]) for name in rule.text if values.get(name))


def _plain(text: str) -> str:
    return _MARKS.sub("", unicodedata.normalize("NFKC", text))[:LONGEST]

"""查看完整内容: for a reason, kept in the audit, thirty times an hour a person at most; and who looked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import bindparam, func, select

from app import bundles
from app.audit import streams
from app.audit.streams import REVEAL, Entry, audit_stream
from app.bundles import Bundle
from app.cases import viewing
from app.cases.motion import Row
from app.cases.secrets.showing import Kept, kept, label
from app.core import clock, events
from app.core.db import Session, reading
from app.core.errors import FieldError, TooMany, Unprocessable
from app.core.http.fields import out
from app.identity.actor import Actor
from app.identity.models import people
from app.identity.permissions import AUDIT_READ, CASE_READ, CASE_REVEAL
from app.identity.scopes import case_scope, missing, require

MOST_AN_HOUR = 30
KIND = "case.revealed"


class RevealFieldUnknown(Unprocessable):
    """这件办件没有这项加密内容。"""


class RevealLimit(TooMany):
    """一小时内查看完整内容的次数太多，请稍后再试。"""


@dataclass(frozen=True)
class Revealed:
    """What was asked for: what names hold now, and whole texts by where they stand."""

    case_id: str
    values: Mapping[str, Any]
    texts: Sequence[Kept]


_LATELY = select(func.count()).where(
    audit_stream.c.stream == REVEAL,
    audit_stream.c.actor_id == bindparam("who"),
    audit_stream.c.at > bindparam("since"),
)
_LOOKS = (
    select(audit_stream.c.at, audit_stream.c.actor_id, audit_stream.c.data, people.c.name)
    .outerjoin(people, people.c.id == audit_stream.c.actor_id)
    .where(audit_stream.c.stream == REVEAL, audit_stream.c.subject == bindparam("case"))
    .order_by(audit_stream.c.at.desc())
    .limit(bindparam("most"))
)
_MAY_REVEAL = select(viewing.cases.c.id).where(viewing.cases.c.id == bindparam("case"))


def reveal(session: Session, actor: Actor, case_id: str, fields: Sequence[str], reason: str) -> Revealed:
    """The full values, once the look is in the audit stream of the same transaction.

    Raises NotFound, PermissionMissing, RevealFieldUnknown, RevealLimit.
    """
    case = viewing.visible(session, actor, case_id, CASE_READ)
    may = _MAY_REVEAL.where(case_scope(actor, CASE_REVEAL, viewing.cases.c.org_path, viewing.cases.c.id))
    if session.execute(may, {"case": case_id}).one_or_none() is None:
        raise missing(actor, CASE_REVEAL, case_id)
    bundle = bundles.get(case["version_id"])
    found = kept(session, case_id)
    _refuse_unknown(fields, found, bundle)
    now = clock.now(session)
    told = {"fields": list(fields), "reason": reason, "number": case["number"]}
    # The row first: its shard stays locked, so that two requests at once are counted one after the other.
    streams.append(session, Entry(REVEAL, KIND, actor.id, case_id, told, now))
    lately = session.scalar(_LATELY, {"who": actor.id, "since": now - timedelta(hours=1)})
    if lately > MOST_AN_HOUR:
        events.security("reveal-limit", actor.id, case_id, {"inAnHour": lately})
        raise RevealLimit(headers={"Retry-After": "600"})
    wanted = [each for each in found if each.name in fields]
    return Revealed(
        case_id,
        {each.name: each.value for each in wanted if each.name in bundle.secret_names},
        [each for each in wanted if each.name not in bundle.secret_names and each.value is not None],
    )


def looks(actor: Actor, case_id: str, most: int = 200) -> list[Row]:
    """Who looked at a case's full values, newest first, for those who read the audit."""
    require(actor, AUDIT_READ, subject=case_id)
    with reading() as session:
        viewing.visible(session, actor, case_id, AUDIT_READ)
        return [dict(row) for row in session.execute(_LOOKS, {"case": case_id, "most": most}).mappings()]


def view(revealed: Revealed) -> dict[str, Any]:
    texts = [{"name": each.name, "origin": each.origin, "text": _text(each.value)} for each in revealed.texts]
    return {"case": revealed.case_id, "values": dict(revealed.values), "texts": texts}


def _text(value: Any) -> str:
    """A text as it is; what was typed for several names, or several items, as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def look_view(row: Row) -> dict[str, Any]:
    told = orjson.loads(row["data"])
    return {
        "at": out(row["at"]),
        "person": row["actor_id"],
        "personName": row["name"],
        "fields": told["fields"],
        "reason": told["reason"],
    }


def _refuse_unknown(fields: Sequence[str], found: Sequence[Kept], bundle: Bundle) -> None:
    """Names that nothing is sealed under; a declared one that is still empty may be asked for."""
    known = bundle.secret_names | {each.name for each in found}
    errors = [
        FieldError(
            f"/fields/{i}", "reveal-field-unknown", f"这件办件没有这项加密内容；有{_names(known, bundle)}。"
        )
        for i, name in enumerate(fields)
        if name not in known
    ]
    if errors:
        raise RevealFieldUnknown(errors=errors)


def _names(names: Any, bundle: Bundle) -> str:
    return "、".join(f"{name}（{label(name, bundle)}）" for name in sorted(names)) or "（没有）"

"""What happened to a case, from its audit chain, in sentences a person reads."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, select

from app import bundles
from app.audit.chain import case_chain
from app.bundles.data_fields import FILE_KINDS
from app.cases import viewing
from app.cases.attachments import models as attachments
from app.cases.links import service as links
from app.cases.notes import service as notes
from app.cases.sentences import shown
from app.core.db import Session, reading
from app.core.http.fields import out
from app.identity.actor import SYSTEM, Actor
from app.identity.models import people

_CHAIN = (
    select(case_chain, people.c.name.label("actor_name"))
    .outerjoin(people, people.c.id == case_chain.c.actor_id)
    .where(case_chain.c.case_id == bindparam("case"), case_chain.c.seq > bindparam("after"))
    .order_by(case_chain.c.seq)
    .limit(bindparam("most"))
)


def of(actor: Actor, case_id: str, limit: int = 200, after: int | None = None) -> list[dict[str, Any]]:
    """At most `limit + 1` steps after chain row `after`: `{seq, at, actor, events: [{name, text, …}]}`."""
    with reading() as session:
        case = viewing.visible(session, actor, case_id)
        rows = session.execute(_CHAIN, {"case": case_id, "after": after or 0, "most": limit + 1}).all()
        told = [orjson.loads(row.events) for row in rows]
        _say(session, actor, [event for events in told for event in events])
    bundle = bundles.of(case)
    return [
        {
            "seq": row.seq,
            "at": out(row.at),
            "actor": _signed(events) or (SYSTEM.name if row.actor_id == SYSTEM.id else row.actor_name),
            "events": [shown(event, bundle) for event in events],
        }
        for row, events in zip(rows, told, strict=True)
    ]


def _signed(events: Sequence[Mapping[str, Any]]) -> str | None:
    """甲（代乙） where a substitute acted; for several of them, all whom he stood in for."""
    found = dict.fromkeys(event["signed"] for event in events if "signed" in event)
    return "、".join(found) or None


def _say(session: Session, actor: Actor, events: list[dict[str, Any]]) -> None:
    """Puts the words in that the chain only holds a seal of, from the rows where they can be forgotten, and
    the numbers of other cases, as far as the actor sees them."""
    texts = notes.words(session, [event["note"] for event in events if "note" in event])
    files = attachments.named(session, [event["attachment"] for event in events if "attachment" in event])
    others = links.numbers(session, actor, {event["other"] for event in events if "other" in event})
    for event in events:
        if "other" in event:
            event["words"] = others.get(event["other"], "另一件办件")
        if "note" in event:
            event["words"] = texts.get(event["note"])
        if (file := files.get(event.get("attachment", ""))) is not None:
            event["words"] = f"“{file.name}”（{FILE_KINDS[file.kind]}，{_large(event['size'])}）"


def _large(size: int) -> str:
    return f"{size / (1 << 20):.1f} MB" if size >= 1 << 20 else f"{max(1, size >> 10)} KB"

"""Which messages there are: what the published processes declare, and what each brings into a case."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from sqlalchemy import select

from app.bundles import Bundle, store
from app.bundles.forms import AnswersRefused
from app.bundles.messages import Message
from app.bundles.models import process_heads
from app.cases import filing
from app.cases.motion import RowLookups
from app.core import clock
from app.core.db import Session
from app.core.errors import FieldError
from app.exchange.connectors import Connector
from app.exchange.errors import MessageUnknown, MessageWrong
from app.identity.actor import Actor

_HEADS = (
    select(process_heads.c.version_id)
    .where(process_heads.c.retired_at.is_(None))
    .order_by(process_heads.c.key)
)


@dataclass(frozen=True)
class Known:
    """One message of one process."""

    bundle: Bundle
    message: Message

    @property
    def start(self) -> str | None:
        """The start event that it begins a case at."""
        if not self.message.starts:
            return None
        begins = self.bundle.engine.start_messages
        return next((event for event, name in begins.items() if name == self.message.name), None)


def known(session: Session, name: str, sender: str = "") -> list[Known]:
    """Where new cases know an incoming message of this name from this system; one that another system alone
    may send is as good as unknown. Raises MessageUnknown when nowhere.
    """
    bundles = [store.version(session, row.version_id) for row in session.execute(_HEADS)]
    found = [Known(bundle, bundle.messages[name]) for bundle in bundles if _incoming(bundle, name, sender)]
    if not found:
        names = sorted({each for of in bundles for each in of.messages if _incoming(of, each, sender)})
        near = get_close_matches(name, names, n=1, cutoff=0.6)
        hint = f"（是不是 {near[0]}？）" if near else ""
        raise MessageUnknown(
            f"没有消息“{name}”；现在有：{'、'.join(names) or '（没有）'}{hint}。", known=names
        )
    return found


def _incoming(bundle: Bundle, name: str, sender: str) -> bool:
    message = bundle.messages.get(name)
    return message is not None and message.direction == "in" and message.sender in ("", sender)


def values(
    session: Session,
    actor: Actor,
    known: Known,
    payload: Mapping[str, Any],
    connector: Connector | None = None,
) -> dict[str, Any]:
    """What the payload of a sender brings, as clean values of declared names.

    Raises MessageWrong with one error per field, named as the sender wrote it.
    """
    message, now = known.message, clock.now(session)
    try:
        found = message.values(
            payload,
            {},
            RowLookups(session, now, {}),
            lambda code: filing.place_of(session, actor, code, now) is not None,
        )
    except AnswersRefused as refused:
        paths = {f"/answers/{name}": path for name, path in message.paths.items()}
        errors = [
            FieldError(
                _pointer(paths[each.pointer], connector) if each.pointer in paths else "/data",
                each.code,
                each.message,
            )
            for each in refused.errors
        ]
        raise MessageWrong(errors=errors) from None
    if message.starts and "title" in message.data and not found.get("title"):
        where = _pointer(message.data["title"], connector)
        raise MessageWrong(errors=[FieldError(where, "required", "请填写标题。")])
    return found


def _pointer(path: str, connector: Connector | None) -> str:
    """`$.caller.name` as a JSON pointer into what was sent."""
    inner = path.removeprefix("$.")
    told = connector.told(inner) if connector is not None else inner
    return "/data/" + told.replace("~", "~0").replace("/", "~1").replace(".", "/")

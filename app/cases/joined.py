"""Messages for cases that were merged into another one: whom they reach, and what is done with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, union

from app import bundles
from app.bundles import Bundle
from app.cases.commands import Command, Deliver
from app.cases.commands.merging import Hear
from app.cases.models import cases, waits
from app.cases.motion import Row, expression_data
from app.core.db import Session

_OF_SOURCE = select(cases.c.id).where(
    cases.c.source.in_(bindparam("sources", expanding=True)), cases.c.external_no == bindparam("key")
)
_WAITING = select(waits.c.case_id).where(waits.c.name == bindparam("name"), waits.c.key == bindparam("key"))
_JOINED = (
    select(cases)
    .where(cases.c.merged_into.is_not(None), cases.c.id.in_(union(_OF_SOURCE, _WAITING)))
    .order_by(cases.c.id.desc())
)
_CASE = select(cases).where(cases.c.id == bindparam("which"))
_ITS_WAIT = (
    select(waits)
    .where(waits.c.case_id == bindparam("which"), waits.c.name == bindparam("name"))
    .order_by(waits.c.opened_at, waits.c.ref)
    .limit(1)
)


@dataclass(frozen=True)
class Joined:
    """A merged case that a message is for, the case it ended up in, and that one's wait for such a message
    where it is to be brought there.
    """

    case: Row
    into: Row
    wait: Row | None

    @property
    def bundle(self) -> Bundle:
        """Whose names the message fills."""
        return bundles.get((self.case if self.wait is None else self.into)["version_id"])

    def commands(self, name: str, values: Mapping[str, Any], receipt: str | None) -> list[Command]:
        """One act: brought to the case that goes on, or kept with the merged one and told to both."""
        case_id, into = self.case["id"], self.into["id"]
        if self.wait is None:
            return [Hear(case_id, into, name, values, receipt)]
        return [Deliver(into, self.wait["ref"], values, receipt), Hear(case_id, into, name, passed=True)]


def joined(session: Session, name: str, key: str, sources: Sequence[str]) -> list[Joined]:
    """The merged cases that know such a message under this key, the newest first: those of these sources,
    and any where one system alone may send it.
    """
    which = {"name": name, "key": key, "sources": list(sources)}
    rows = [dict(row) for row in session.execute(_JOINED, which).mappings()]
    meant = [row for row in rows if _means(row, name, key) and _of(row, name, sources)]
    return [_joined(session, row, name) for row in meant]


def _means(case: Row, name: str, key: str) -> bool:
    bundle = bundles.get(case["version_id"])
    message = bundle.messages.get(name)
    known = message is not None and message.direction == "in" and not message.starts
    return known and message.key_of(expression_data(bundle, case)) == key  # type: ignore[union-attr]


def _of(case: Row, name: str, sources: Sequence[str]) -> bool:
    return bool(bundles.get(case["version_id"]).messages[name].sender) or case["source"] in sources


def _joined(session: Session, case: Row, name: str) -> Joined:
    into = case
    while into["merged_into"] is not None:
        into = dict(session.execute(_CASE, {"which": into["merged_into"]}).mappings().one())
    forward = bundles.get(case["version_id"]).messages[name].forward
    if not forward or into["state"] != "active":
        return Joined(case, into, None)
    wait = session.execute(_ITS_WAIT, {"which": into["id"], "name": name}).mappings().one_or_none()
    return Joined(case, into, dict(wait) if wait is not None else None)

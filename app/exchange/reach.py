"""Whom a message reaches: the cases that wait for it, or the process that it starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app import bundles
from app.bundles.messages import OF_PROCESS
from app.cases import waits
from app.cases.filing import STAFF
from app.cases.joined import Joined, joined
from app.core.db import Session
from app.exchange import catalogue, endpoints
from app.exchange.catalogue import Known
from app.exchange.connectors import Connector
from app.exchange.endpoints import Endpoint
from app.exchange.errors import SeveralWaiting
from app.identity.actor import Actor
from app.identity.permissions import MESSAGE_SEND

Row = dict[str, Any]


@dataclass(frozen=True)
class Reach:
    """Who waits, longest first; or, when nobody does, the merged case it is for, or the processes that know
    the message.
    """

    waiting: Sequence[Row]
    knowing: Sequence[Known]
    name: str = ""
    joined: Joined | None = None

    @property
    def heard_by(self) -> Known:
        """The message as the case declares it that hears of it for a merged one."""
        assert self.joined is not None
        bundle = self.joined.bundle
        return Known(bundle, bundle.messages[self.name])

    @property
    def rule(self) -> str:
        """What to do when several wait: as the one that has waited longest says."""
        return self.declared(self.waiting[0]).message.several

    @property
    def starting(self) -> Known | None:
        """The process that the message starts. Raises SeveralWaiting when more than one would."""
        starts = [each for each in self.knowing if each.start is not None]
        if len(starts) > 1:
            names = "、".join(each.bundle.process.name for each in starts)
            raise SeveralWaiting(f"有不止一个流程由这条消息开始：{names}。")
        return starts[0] if starts else None

    def declared(self, wait: Row) -> Known:
        """The message as the version of a waiting case declares it."""
        bundle = bundles.get(wait["version_id"])
        return Known(bundle, bundle.messages[wait["name"]])

    def check(
        self, session: Session, actor: Actor, payload: Mapping[str, Any], connector: Connector | None
    ) -> None:
        """Holds the payload against what will read it. Raises MessageWrong, SeveralWaiting."""
        if len(self.waiting) > 1 and self.rule == "refuse":
            raise SeveralWaiting(f"有 {len(self.waiting)} 件在等这条消息。")
        if self.waiting:
            readers = [self.declared(self.waiting[0])]
        elif self.joined is not None:
            readers = [self.heard_by]
        else:
            readers = [self.starting] if self.starting is not None else list(self.knowing[:1])
        for each in readers:
            catalogue.values(session, actor, each, payload, connector)


def look(session: Session, actor: Actor, name: str, key: str) -> Reach:
    """Whom a message of this name and key reaches now. Raises MessageUnknown.

    Another partner's cases are out of reach: numbers of different sources may be the same. The sender's own
    cases come first, then those that somebody of the house filed by hand. A message that only one system may
    send (`from`) reaches every case that waits for it, and comes from nobody else.
    """
    mine = sender_of(actor.login)
    within = [
        wait
        for wait in waits.waiting_for(session, name, key)
        if _meant(wait, name, actor, mine) and actor.allows(MESSAGE_SEND, wait["org_path"])
    ]
    own = [wait for wait in within if wait["source"] == actor.login]
    waiting = own or within
    if waiting:
        return Reach(waiting, ())
    merged = [
        each
        for each in joined(session, name, key, (actor.login, STAFF))
        if _meant(each.case, name, actor, mine) and actor.allows(MESSAGE_SEND, each.case["org_path"])
    ]
    merged.sort(key=lambda each: each.case["source"] != actor.login)
    return Reach((), catalogue.known(session, name, mine), name, merged[0] if merged else None)


def sender_of(login: str) -> str:
    """The other system whose messages come under this account; the process of a case of ours."""
    if login.startswith(OF_PROCESS):  # no account is called so
        return login
    endpoint = endpoints.of_account(login)
    return endpoint.name if endpoint is not None else ""


def _meant(row: Row, name: str, actor: Actor, mine: str) -> bool:
    """Whether this sender may mean the case of a row with such a message."""
    sender = bundles.get(row["version_id"]).messages[name].sender
    return sender == mine if sender else row["source"] in (actor.login, STAFF)


def connector(endpoint: Endpoint | None) -> Connector | None:
    return None if endpoint is None else endpoint.connector

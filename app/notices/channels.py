"""Channels beside the mailbox: each takes a few short messages at once, and never a personal value.

What goes out says what kind of thing it is and the number of the case, no more: no title, no reason, nobody's
name or number. Whoever reads it signs in and reads the rest in the mailbox. People are named by login; which
telephone or account belongs to it, the gateway knows and this house does not.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from app.core.config import settings

console_log = logging.getLogger("huying.notices.console")

CONSOLE = "console"


@dataclass(frozen=True)
class Message:
    """One message for one person. `id` is the same at every try: who got it twice knows by it."""

    id: str
    to: str
    """The person's login."""
    text: str
    urgent: bool
    at: datetime


class Undelivered(Exception):
    """没有送出去。"""

    def __init__(self, zh: str, *, pause: int | None = None, counts: bool = True) -> None:
        """`pause`: seconds to leave the channel alone. Unless it `counts`, no try is used up."""
        super().__init__(zh)
        self.zh, self.pause, self.counts = zh, pause, counts


class Channel(Protocol):
    """One way to reach people."""

    label: str

    def send(self, messages: Sequence[Message], seconds: float) -> Mapping[str, str]:
        """Hands them over within so many seconds; answers why the channel refuses which, by id.

        Raises Undelivered when none could be handed over.
        """


class Console:
    """Writes to the log of the background process: for the demo, and to see what would be sent."""

    label = "控制台"

    def send(self, messages: Sequence[Message], seconds: float) -> Mapping[str, str]:
        for message in messages:
            urgent = "（紧急）" if message.urgent else ""
            console_log.info("通知 %s%s：%s", message.to, urgent, message.text)
        return {}


Offer = Callable[[], Mapping[str, Channel]]
_offers: list[Offer] = []


def offer(channels: Offer) -> Offer:
    """Whoever can reach people outside says how: asked each time, since a file may have changed."""
    if channels not in _offers:
        _offers.append(channels)
    return channels


def available() -> Mapping[str, Channel]:
    """The channels of this moment by key; the console only where nothing is real."""
    found: dict[str, Channel] = {}
    if settings().profile != "production":
        found[CONSOLE] = Console()
    for each in _offers:
        found.update(each())
    return MappingProxyType(found)


def usual() -> tuple[str, ...]:
    """The channels of somebody who chose none: in the demo all is shown, elsewhere nobody is disturbed."""
    return (CONSOLE,) if settings().profile == "demo" else ()

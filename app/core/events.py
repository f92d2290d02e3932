"""What happened is told, not called: advance publishes, listeners add their rows in the same transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.core.db import Session


@dataclass(frozen=True)
class Event:
    """One thing that happened to a case: `name` as in docs/glossary.md, e.g. `task.done`.

    `data` goes into the audit chain and the timeline; `payload` is for listeners alone and is kept nowhere
    else (the body of a message that leaves the house).
    """

    name: str
    case_id: str
    at: datetime
    actor_id: str
    data: Mapping[str, Any] = field(default_factory=dict)
    payload: Mapping[str, Any] | None = field(default=None, repr=False)


Listener = Callable[["Session", Sequence[Event]], None]
SecurityListener = Callable[[str, str | None, str | None, Mapping[str, Any]], None]

_listeners: list[Listener] = []
_security: list[SecurityListener] = []


def listen(listener: Listener) -> Listener:
    """Registers a listener; it gets all events of a transaction in one call and may only add rows."""
    if listener not in _listeners:
        _listeners.append(listener)
    return listener


def forget(listener: Listener) -> None:
    """Takes a listener back (tests)."""
    _listeners.remove(listener)


def publish(session: "Session", events: Sequence[Event]) -> None:
    for listener in _listeners:
        listener(session, events)


def on_security(listener: SecurityListener) -> SecurityListener:
    """Registers who keeps the security log."""
    if listener not in _security:
        _security.append(listener)
    return listener


def security(
    kind: str, actor_id: str | None, subject: str | None, data: Mapping[str, Any] | None = None
) -> None:
    """Tells of a failed login, a look out of scope, a forbidden act; kept also when the request fails."""
    for listener in _security:
        listener(kind, actor_id, subject, data or {})

"""messages.yaml: what comes in from other systems and what goes out, and which case it belongs to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from app.bundles import placing
from app.bundles.forms import Form
from app.bundles.lookups import Lookups
from app.bundles.placing import Placing
from app.bundles.values import is_empty
from app.engine.expressions import Expression


@dataclass(frozen=True)
class Name:
    """A part of a body: the value that a data name holds when the message leaves."""

    name: str


@dataclass(frozen=True)
class Literal:
    """A part of a body that is always the same."""

    value: str | int | float | bool


@dataclass(frozen=True)
class Attachments:
    """A part of a body: the attachments of a step."""

    step: str


Part = Name | Literal | Attachments
OF_PROCESS = "process:"
"""How a sender begins that is a process of the house."""
AT_STATUS, AT_END = "status", "end"
ASKED = "data."
"""A path below `$.` that begins so names what the case of a process holds."""
Attached = Callable[[str], Sequence[Any]]
"""The attachments of a step, each as a partner reads it."""


@dataclass(frozen=True)
class Message:
    """One message.

    in: `key` is the data name whose value as text must equal the correlation key (of one that starts a case
    always external_no), `several` says who gets it when several wait, `data` maps declared name → path in the
    payload, `fixed` → text. out: `to` is the name of a connector, `body` maps the partner's field → where it
    comes from.
    """

    name: str
    direction: str
    starts: bool = False
    key: str = ""
    several: str = "refuse"
    data: Mapping[str, str] = field(default_factory=dict, hash=False)
    fixed: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Names that every such message fills alike, with fixed text."""
    place: Placing | None = None
    """Where it files its case; nothing said: as `data` says, a unit that must be there."""
    to: str = ""
    body: Mapping[str, Part] = field(default_factory=dict, hash=False)
    secret: bool = False
    merged: Expression | None = None
    """Sent as well when a case that was merged into another one ends with it, if this holds."""
    forward: bool = False
    """What comes for a case that was merged into another one is brought to that one, when it waits for it."""
    redo: Expression | None = None
    """in: where it holds for a case that was merged into another one, that one is done again if it ended."""
    label: str = ""
    """What people read in the timeline."""
    sender: str = ""
    """in: the other system that alone may send it, about any case within its units, whoever filed it; or
    `process:<key>`: a case of that process which this one filed."""
    at: str = ""
    """in, from a process: told at each new status of that case, or at its end (AT_STATUS, AT_END)."""
    mirror: bool = False
    """in, from a process: this case takes over the status of that one."""
    form: Form | None = None
    """The names of `data` as a form in which nothing is required: it reads what a partner wrote."""

    def key_of(self, data: Mapping[str, Any]) -> str | None:
        """The correlation key of a case whose names hold `data`; None while it has none."""
        value = data.get(self.key)
        return None if value is None else str(value)

    def found_in(self, payload: Any) -> dict[str, Any]:
        """What the payload brings, by declared name, as the partner wrote it; what it lacks is left out."""
        found = {name: _at(payload, path) for name, path in self.data.items()}
        return {name: value for name, value in found.items() if value is not _NOTHING} | dict(self.fixed)

    @property
    def of_process(self) -> str:
        """The process whose case sends it; empty where another system does."""
        return self.sender.removeprefix(OF_PROCESS) if self.sender.startswith(OF_PROCESS) else ""

    @property
    def asks(self) -> dict[str, str]:
        """Of a message from a process: own name → the name that the other case fills it from."""
        inner = {name: path.removeprefix("$.") for name, path in self.data.items()}
        return {name: path.removeprefix(ASKED) for name, path in inner.items() if path.startswith(ASKED)}

    @property
    def paths(self) -> dict[str, str]:
        """Where each name it fills is found, for a message about a wrong one."""
        if self.place is None:
            return dict(self.data)
        return {**self.data, **dict.fromkeys((placing.UNIT, self.place.unknown), self.place.units[0])}

    def values(
        self,
        payload: Any,
        data: Mapping[str, Any],
        context: Lookups,
        is_place: Callable[[str], bool] = lambda code: False,
    ) -> dict[str, Any]:
        """The same as clean values of the declared types. Raises AnswersRefused with one error per name.

        `is_place` says of a code whether the sender may file a case there.
        """
        found = self.found_in(payload)
        if self.place is not None:
            named = [_at(payload, path) for path in self.place.units]
            told = [value for value in named if value is not _NOTHING and not is_empty(value)]
            found |= self.place.found(told, is_place)
        return self.form.check(found, data, context) if self.form is not None else {}

    def render(self, data: Mapping[str, Any], attached: Attached) -> dict[str, Any]:
        """The body, from what the names hold now and what was attached at its steps."""
        return {to: _part(part, data, attached) for to, part in self.body.items()}

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps whose attachments the body names."""
        return tuple(part.step for part in self.body.values() if isinstance(part, Attachments))


NO_MESSAGES: Mapping[str, Message] = MappingProxyType({})
_NOTHING = object()


def _at(payload: Any, path: str) -> Any:
    for name in path.split(".")[1:]:
        if not isinstance(payload, Mapping) or name not in payload:
            return _NOTHING
        payload = payload[name]
    return payload


def _part(part: Part, data: Mapping[str, Any], attached: Attached) -> Any:
    match part:
        case Name(name):
            return data.get(name)
        case Literal(value):
            return value
        case Attachments(step):
            return list(attached(step))

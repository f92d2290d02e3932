"""A published version as the engine keeps it: parsed once, shared by all threads, never changed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from app.engine.picture import NOTHING, Outcome
from app.engine.votes import Vote

if TYPE_CHECKING:
    from app.engine.expressions import Expression

DEFAULT_PRIORITY = 50
START = "start"
"""Among the steps of `notSameAs`: what the case began with, or led to where the process was called."""
MAPPINGS = ("singleEntry", "singleResult", "collectEntries", "resultList")  # mapDecisionResult
NO_VERSIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Flow:
    """A sequence flow. `order` is where a gateway tries it; `label` the text on a button."""

    id: str
    source: str
    target: str
    name: str | None
    condition: "Expression | None"
    default: bool
    order: int
    label: str | None


@dataclass(frozen=True, slots=True)
class Many:
    """That several people act on a step: those of the list `collection`, or so many as `cardinality` says.

    `variable` is the name that expressions of one signer see the item under; `condition` ends the step.
    """

    sequential: bool
    collection: "Expression | None"
    cardinality: "int | Expression | None"
    variable: str
    vote: Vote
    condition: "Expression | None"


@dataclass(frozen=True, slots=True)
class Step:
    """A user task as drawn. `assignee` and `priority`: literals, or expressions read for each Picture.

    `return_to` is `("*",)` when nothing is said. `extensions` holds every camunda property as written.
    """

    id: str
    name: str
    lane: str | None
    form: str | None
    outcomes: tuple[Outcome, ...]
    clocks: tuple[str, ...]
    status: str | None
    event: str | None
    priority: "int | Expression"
    candidates: tuple[str, ...]
    users: "tuple[str, ...] | Expression"
    assignee: "str | Expression | None"
    return_to: tuple[str, ...]
    not_same_as: tuple[str, ...]  # steps, and START
    extensions: Mapping[str, str] = field(default_factory=lambda: NOTHING, hash=False)
    many: Many | None = None

    @property
    def votes(self) -> bool:
        """Whether several people decide here by what they say; else they share work out."""
        return self.many is not None and ("vote" in self.extensions or self.many.condition is not None)

    def outcome(self, name: str | None) -> Outcome | None:
        """The outcome of that name; with no name the only one there is; None when there is no such."""
        if name is None:
            return self.outcomes[0] if len(self.outcomes) == 1 else None
        return next((each for each in self.outcomes if each.name == name), None)


@dataclass(frozen=True, slots=True)
class End:
    """An end event as drawn: the last status and why the case closed.

    `kind` is none, terminate, error, escalation or message, `what` the code or name that goes with it.
    """

    id: str
    name: str
    status: str | None
    event: str | None
    close_reason: str | None
    extensions: Mapping[str, str] = field(default_factory=lambda: NOTHING, hash=False)
    kind: str = "none"
    what: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """An event as drawn that is no timer and no end. `kind` is message, signal, condition, error, escalation
    or none; `what` is the name or code (empty: any), `step` the activity on whose edge it sits, else None.
    """

    id: str
    name: str
    kind: str
    what: str
    step: str | None
    interrupting: bool
    on_return: str
    extensions: Mapping[str, str] = field(default_factory=lambda: NOTHING, hash=False)


@dataclass(frozen=True, slots=True)
class Service:
    """A service task as drawn. `awaits` is job (asyncBefore), external, or None: it runs at once.

    `handler` is the registered name, of external work its topic. `inputs` are (name, text or expression),
    `outputs` (name of the result, declared data name).
    """

    id: str
    name: str
    handler: str
    awaits: str | None
    inputs: "tuple[tuple[str, str | Expression], ...]"
    outputs: tuple[tuple[str, str], ...]
    extensions: Mapping[str, str] = field(default_factory=lambda: NOTHING, hash=False)

    @property
    def what(self) -> str:
        """What is waited for: the handler's job, or work on this topic."""
        return self.handler

    @property
    def step(self) -> None:
        """It hangs on no step."""
        return None


@dataclass(frozen=True, slots=True)
class BusinessRule:
    """A business rule task as drawn. The result goes to `variable` as `mapping` says, without it each output
    to the declared data of its name.
    """

    id: str
    name: str
    decision: str
    variable: str | None
    mapping: str
    extensions: Mapping[str, str] = field(default_factory=lambda: NOTHING, hash=False)


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer as drawn. `kind` is date, duration or cycle; `on_return` keep or end. `step` is the activity on
    whose edge it sits; a timer in the line names itself, and is never `interrupting`.
    """

    id: str
    name: str
    step: str
    kind: str
    text: str
    interrupting: bool
    bound: tuple[str, str | None] | None
    on_return: str
    extensions: Mapping[str, str] = field(default_factory=lambda: NOTHING, hash=False)


@dataclass(frozen=True, eq=False)
class Version:
    """Everything a case needs of its diagram. `version` is the bundle's hash, `called` its pinned callees.

    `starts` are the ids of the start events, the plain one first; `start_messages` maps those that a message
    begins to its name. `calls` maps call activities to the key of the bundle they call.
    """

    key: str
    version: str
    name: str
    steps: Mapping[str, Step]
    ends: Mapping[str, End]
    timers: Mapping[str, Timer]
    services: Mapping[str, Service]
    rules: Mapping[str, BusinessRule]
    events: Mapping[str, Event]
    flows: Mapping[str, Flow]
    lanes: tuple[str, ...]
    starts: tuple[str, ...]
    start_messages: Mapping[str, str]
    start_form: str | None
    spec: Any = field(repr=False)
    called: Mapping[str, str] = field(default_factory=lambda: NO_VERSIONS)
    calls: Mapping[str, str] = field(default_factory=lambda: NO_VERSIONS)
    find: "Callable[[str], Version] | None" = field(default=None, repr=False)

    def step(self, step_id: str) -> Step:
        """One user task by the diagram's id. Raises KeyError."""
        return self.steps[step_id]

    def name_of(self, element: str) -> str | None:
        """What the diagram calls an element or a flow; None when it has no name or is not there."""
        if (flow := self.flows.get(element)) is not None:
            return flow.name or flow.label
        drawn = self.spec.task_specs.get(element)
        return drawn.bpmn_name if drawn is not None else None

    def inside(self, within: Iterable[str]) -> "Version":
        """The version that drew what lies inside these call activities, as in `HumanTask.within`."""
        version = self
        for element in within:
            assert version.find is not None
            version = version.find(version.called[version.calls[element]])
        return version

    @cached_property
    def repeated(self) -> frozenset[str]:
        """The elements drawn inside sub-processes that are done once for each item of a list."""
        drawn = self.spec.task_specs.values()
        return frozenset(name for spec in drawn for name in getattr(spec, "inside", ()))

    def fingerprint(self) -> tuple[Any, ...]:
        """A value that changes if anything of the shared diagram is ever written to; for tests."""
        return tuple(
            (name, type(spec).__name__, repr(sorted(vars(spec).items(), key=lambda item: item[0])))
            for name, spec in self.spec.task_specs.items()
        )

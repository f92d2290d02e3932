"""What a case's expressions see, and from where: the data, the functions, the token they are asked for."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.engine import timers
from app.engine.durations import SHANGHAI, Cycle
from app.engine.errors import EngineError, ExpressionFailed, TimerRefused
from app.engine.expressions import Expression, ExpressionError
from app.engine.instances import Beside, counters
from app.engine.repeats import instances_round, items_of_all

if TYPE_CHECKING:
    from app.engine.env import Env
    from app.engine.events import Catcher
    from app.engine.shape import Net, Row
    from app.engine.version import Flow

Functions = Mapping[str, Callable[..., Any]]


class Viewpoint:
    """The token from which expressions are seen; `moved` is the step that moved last, for round_no()."""

    def __init__(self, net: "Net", env: "Env") -> None:
        self._net, self._env = net, env
        self.moved: str | None = None
        self._within = ""  # the called process the token lies in
        self._round: list[Row] = []  # the instances it lies in, innermost first
        self._items: dict[str, Any] = {}  # what they are done for
        self._functions: Functions | None = None

    def holds(self, flow: "Flow", row: "Row") -> bool:
        """Whether a flow's condition is true for this token. Raises ExpressionFailed."""
        assert flow.condition is not None
        self._stand_at(row)
        return bool(self._value(flow.condition, flow.id))

    def is_true(self, event: "Catcher", row: "Row") -> bool:
        """Whether what a conditional event waits for is the case. Raises ExpressionFailed."""
        assert event.condition is not None
        self._stand_at(row)
        before, self.moved = self.moved, row.within + (event.drawn.step or "")
        true = bool(self._value(event.condition, event.name))
        if not true:
            self.moved = before
        return true

    def value_for(self, expression: Expression, row: "Row", more: Mapping[str, Any] | None = None) -> Any:
        """A value that belongs to an open step, whatever moved last; `more` are names only it knows."""
        self.moved = row.within + row.task_spec.name
        return self.value_at(expression, row, more)

    def value_at(
        self,
        expression: Expression,
        row: "Row",
        more: Mapping[str, Any] | None = None,
        own: Functions | None = None,
    ) -> Any:
        """A value for this token, with names and functions only it knows. Raises ExpressionFailed."""
        self._stand_at(row)
        self._items.update(more or {})
        functions = {**self.functions, **own} if own else None
        return self._value(expression, row.task_spec.name, functions)

    def seen_from(self, row: "Row") -> tuple[Mapping[str, Any], Functions]:
        """The data and functions that a decision table asked by this token may use."""
        self._stand_at(row)
        return self._data, self.functions

    def count_of(self, step: str | None) -> list[Any] | None:
        """The counts of a step with signers, seen from here."""
        return self._net.tallies.get(self._key(step)) if step else None

    def armed(self, event: "Catcher", row: "Row", since: datetime | None = None) -> dict[str, Any]:
        """What a timer keeps that begins to wait now, or is to be counted from an earlier instant.

        Raises TimerRefused, ExpressionFailed.
        """
        definition = event.definition
        assert definition is not None
        if definition.bound is not None:
            return {}
        self._stand_at(row)
        before, self.moved = self.moved, row.within + (event.drawn.step or "")
        try:
            read = definition.literal
            if read is None:
                assert definition.compiled is not None
                said = self._value(definition.compiled, event.name)
                read = timers.read_timer(definition.kind, said)
            kept = timers.arm(definition, read, since or self._env.now, self._env.is_workday)
        except EngineError as error:
            error.element = error.element or event.name
            raise
        except Exception as error:  # the calendar asked for working days may be missing
            raise TimerRefused(f"（{type(error).__name__}）", element=event.name) from error
        self.moved = before
        if definition.literal is None and "k" in kept:
            kept["x"] = said
        return kept

    def rearmed(self, event: "Catcher", row: "Row") -> dict[str, Any] | None:
        """What a non-interrupting timer keeps after firing; None when it has fired for the last time."""
        definition = event.definition
        assert definition is not None
        if definition.kind != "cycle" or definition.bound is not None:
            return None
        kept = row.internal_data
        cycle = timers.read_timer("cycle", kept["x"]) if "x" in kept else definition.literal
        assert isinstance(cycle, Cycle)
        return timers.rearm(kept, cycle, self._env.now, self._env.is_workday)

    @property
    def functions(self) -> Functions:
        """What the caller handed in and what only the run knows; bound once per run."""
        if self._functions is None:
            net, env = self._net, self._env
            self._functions = {
                **env.functions,
                "outcome": lambda step: net.outcomes.get(self._key(step)) or None,  # one taken back is empty
                **counters(self.count_of),
                "round_no": lambda: net.rounds.get(self.moved or "", 1),
                "today": lambda: env.now.astimezone(SHANGHAI).date().isoformat(),
                "now": lambda: env.now.astimezone(SHANGHAI).isoformat(),
            }
        return self._functions

    @property
    def _data(self) -> Mapping[str, Any]:
        return Beside(self._env.data, self._items) if self._items else self._env.data

    def _value(self, expression: Expression, element: str, functions: Functions | None = None) -> Any:
        try:
            return expression.evaluate(self._data, functions or self.functions)
        except ExpressionError as error:
            raise ExpressionFailed(error.zh, element=element) from error
        except Exception as error:  # a function handed in failed: its text may hold values, its type does not
            raise ExpressionFailed(
                f"“{expression.text}”（{type(error).__name__}）", element=element
            ) from error

    def _stand_at(self, row: "Row") -> None:
        """What is evaluated next is seen from this token: its called process, the instances it lies in."""
        self._within = row.within
        self._net.at = row
        self._round = instances_round(row, own=True) if "#" in row.within else []
        self._items = items_of_all(self._round) if self._round else {}

    def _key(self, step: str) -> str:
        """What a step is known by, seen from there: one drawn inside an instance is that instance's own."""
        within = self._within
        for instance in self._round:
            if step in instance.task_spec.inside:
                return str(instance.task_spec.path_inside(instance)) + step
            within = instance.within
        return within + step

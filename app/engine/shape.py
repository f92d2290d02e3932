"""The heart: a case's rows, and the normal form they are brought to whenever the case comes to rest.

The library keeps every step ever taken as a tree and decides by walking it. Here the rows of a case at rest
are a *marking*: below the root hang the tokens (a step with boundary events keeps its split and its events)
and the arrivals at joins that still wait, nothing else. No row holds data; nothing is predicted ahead of the
row that runs. Nothing of the library is patched: rows, nets and elements are subclasses of its own.
"""

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.event import Event
from SpiffWorkflow.util.task import TaskState

from app.engine.errors import EngineError

if TYPE_CHECKING:
    from app.engine.env import Env
    from app.engine.trace import Trace
    from app.engine.viewpoint import Viewpoint

WAITING, READY, COMPLETED, CANCELLED = (
    TaskState.WAITING,
    TaskState.READY,
    TaskState.COMPLETED,
    TaskState.CANCELLED,
)
LIVE = WAITING | READY | TaskState.STARTED
MAX_ROWS = 2_000
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

NO_SCRIPTS = object()  # the library would make an engine that runs Python
NO_DATA: Mapping[str, Any] = MappingProxyType({})


def ref_of(number: int) -> str:
    """A number as others see it: base 36, to be compared as a number."""
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    return text


def path(row: "Row") -> tuple[str, ...]:
    """The call activities round a row, outermost first; instances of a repeated sub-process do not count."""
    return calls_in(row.within)


def calls_in(within: str) -> tuple[str, ...]:
    """The call activities that a `Row.within` names."""
    return tuple(each for each in within.split("/")[:-1] if "#" not in each)


class Row(Task):
    """One row of a case: the library's task, numbered by its case, without data, clock or log.

    `side` is empty on the main line; behind non-interrupting events it names them, outermost first,
    separated by `/`. `scope` is the row of the sub-process it lies in, the root on top. `within` names the
    call activities round it in the same way, each followed by `/`.
    """

    within = ""

    def __init__(self, net: "Net", spec: TaskSpec, parent: "Row | None", state: int) -> None:
        net.counter += 1
        self.id = net.counter
        net.tasks[self.id] = self
        self.workflow = net
        self.task_spec = spec
        self._children: list[int] = []
        self._state = state
        self.triggered = False
        self.thread_id = 0
        self.data = NO_DATA  # read-only, so that a token can never carry case data
        self.internal_data: dict[str, Any] = {}
        self.last_state_change = 0.0
        self.branch: str | None = None
        self.outcome: str | None = None
        if parent is None:
            self._parent: int | None = None
            self.scope = self
            self.side = ""
            self.level = 0
        else:
            self._parent = parent.id
            self.scope = parent.scope
            self.side = parent.side
            self.level = parent.level + 1
            if parent.within:
                self.within = parent.within
            parent._children.append(self.id)

    @property
    def ref(self) -> str:
        """The row's number as others see it."""
        return ref_of(self.id)

    def lies_in(self, scope: "Row") -> bool:
        """Whether it is somewhere inside this sub-process (or the whole case), at any depth."""
        above = self.scope
        while above is not scope:
            if above is above.scope:
                return False
            above = above.scope
        return self is not scope

    def _add_child(self, task_spec: TaskSpec, state: int = TaskState.MAYBE) -> "Row":
        return Row(self.workflow, task_spec, self, state)

    def _set_state(self, value: int) -> None:
        self._state = value

    def _inherit_data(self) -> None:
        """Nothing is inherited: the data is the case's."""

    def collect_log_extras(self, dct: dict[str, Any] | None = None) -> dict[str, Any]:
        """Nothing of a case goes into log records."""
        return {}


class Net(BpmnWorkflow):
    """The rows of one case: the library's workflow with a list of what is ready instead of tree walks."""

    def __init__(self, spec: Any, env: "Env", counter: int = 0) -> None:
        super().__init__(spec, script_engine=NO_SCRIPTS, deserializing=True)
        self.env = env
        self.view: Viewpoint
        self.trace: Trace
        self.counter = counter
        self.agenda: deque[Row] = deque()
        self.rounds: dict[str, int] = {}
        self.outcomes: dict[str, str] = {}
        self.tallies: dict[str, list[Any]] = {}  # step with signers → [total, {outcome: how many}]
        self.end_element: str | None = None
        self.last_end: Row | None = None
        self.at: Row | None = None  # what moves, or is asked something, right now
        self.callees: dict[str, Any] = {}

    def start(self, element: str) -> None:
        """The first token, on this start event."""
        self.task_tree = root = Row(self, self.spec.start, None, TaskState.FUTURE)
        root._state = COMPLETED
        self.put(self.spec.task_specs[element], root, "")

    def calls_round(self) -> tuple[str, ...]:
        """The call activities round what moves right now, outermost first."""
        return path(self.at) if self.at is not None else ()

    def next_number(self) -> int:
        """A number for something that is not a row but has a ref, such as one signer of a step."""
        self.counter += 1
        return self.counter

    def put(self, spec: TaskSpec, scope: Row, side: str, via: str | None = None) -> Row:
        """A new token at `spec`, directly below its scope; `via` is where it comes from, for a join."""
        token = Row(self, spec, scope, TaskState.FUTURE)
        token.scope, token.side, token.triggered = scope, side, True
        if via is not None and spec.counts_arrivals:
            token.internal_data["v"] = via
        within = scope.task_spec.path_inside(scope)
        if within:
            token.within = within
        spec._update(token)
        return token

    def signing(self, number: int) -> Row | None:
        """The row on which the signer of this number may act now, together with others."""
        row: Row
        for row in self.tasks.values():
            if row.task_spec.has_signers and row._state & LIVE and row.task_spec.waits_for(row, number):
                return row
        return None

    def enter(self, row: Row) -> int:
        """Counts one more round of a step. Inside a repeated sub-process each instance counts for itself,
        from what the rounds before came to.
        """
        within, name = row.within, row.task_spec.name
        key = within + name
        while within + name not in self.rounds and "#" in within:
            before, _, after = within.rpartition("#")
            within = before[: before.rfind("/") + 1] + after.partition("/")[2]
        self.rounds[key] = self.rounds.get(within + name, 0) + 1
        return self.rounds[key]

    def tokens(self) -> list[Row]:
        """Every row that is still going somewhere, oldest first: the answer to "has it ended?"."""
        return [row for row in self.tasks.values() if row._state & LIVE and not row.task_spec.is_end_of_all]

    def withdraw_all(self) -> None:
        """Takes every row but the root: no token, timer or arrival survives."""
        root = self.task_tree
        self.tasks.clear()
        self.tasks[root.id] = root
        root._children.clear()
        root._state = COMPLETED
        self.agenda.clear()
        self.last_end = None

    def _task_completed_notify(self, task: Row) -> None:
        self.last_task = task
        if task.task_spec.bpmn_id is not None:
            self.trace.step(task)
        elif task.task_spec.name == "End":
            self._mark_complete(task)

    def _task_removed_notify(self, task: Row) -> None:
        """Nobody listens."""

    def collect_log_extras(self, dct: dict[str, Any] | None = None) -> dict[str, Any]:
        """Nothing of a case goes into log records."""
        return {}

    def update_waiting_tasks(self) -> None:
        """What waits is moved by name (an arrival, a timer's ref), never by asking everybody."""


class OneLevel(TaskSpec):
    """Mixed into every element: one-level look-ahead, and no hook that would touch data or walk the tree.

    `_predict`, `_on_ready` and `_run` replace the library's methods of that name; test_shape pins the
    source of what is replaced.
    """

    is_end_of_all = False
    holds_events = False  # a split or an event gateway, with what is awaited below it
    has_signers = False  # several people act on one row of it
    hangs = False  # awaited beside others, below such a row
    is_scope = False  # its rows lie inside it
    counts_arrivals = False
    rank = 0  # looked at when nothing runs, lower numbers first; 0: never
    awaits: str | None = None  # the kind of event it waits for
    home = home_inside = ""  # the sub-process it is drawn in, and that of the rows inside it
    name: str

    # What the library keeps per element and nobody uses here, once for all: a version costs a third of it.
    manual = False
    lookahead = 2
    bpmn_id: str | None = None
    bpmn_name: str | None = None
    lane = description = documentation = io_specification = None
    data = defines = NO_DATA
    split_task = threshold = choice = default_task_spec = None
    cancel_remaining = False
    cond_task_specs = trigger_specs = ()
    pre_assign = post_assign = data_input_associations = data_output_associations = ()
    update_event = ready_event = completed_event = error_event = cancelled_event = run_event = Event()

    def freeze(self) -> None:
        """Forgets what this element holds in common with all others; called once, when it is drawn."""
        common = vars(OneLevel)
        self.__dict__ = {
            key: tuple(value) if type(value) is list else value
            for key, value in self.__dict__.items()
            if key not in common
            or (key != "description" and value and not isinstance(value, Event) and value != common[key])
        }

    def may_rest(self, state: int, kept: dict[str, Any]) -> bool:
        """Whether a row of this element may stand like this in a case at rest; asked at every load."""
        return False

    def path_inside(self, my_task: Row) -> str:
        """The `within` of rows inside this one."""
        return my_task.within

    def specs_inside(self, my_task: Row) -> Mapping[str, TaskSpec]:
        """The elements that rows below this one may have."""
        specs: Mapping[str, TaskSpec] = self._wf_spec.task_specs
        return specs

    def may_hold(self, my_task: Row, row: Row) -> bool:
        """Whether this row may lie directly inside a scope of this element; asked at every load."""
        return True

    def stopped(self, my_task: Row) -> None:
        """It was ended from outside: by an event, by an end that stops all, by a return."""

    def look(self, my_task: Row) -> bool:
        """Asked of a waiting row when nothing runs: whether something moved."""
        return False

    def _predict(
        self, my_task: Row, seen: Any = None, looked_ahead: int = 0, mask: int = TaskState.PREDICTED_MASK
    ) -> None:
        """Nothing is predicted before a row runs."""

    def _on_ready(self, my_task: Row) -> None:
        if not self.manual:
            my_task.workflow.agenda.append(my_task)

    def _run(self, my_task: Row) -> bool | None:
        return self._run_hook(my_task)

    def _run_hook(self, my_task: Row) -> bool | None:
        if not my_task._children:
            my_task._sync_children(self.outputs, TaskState.FUTURE)
        return True

    def _update(self, my_task: Row) -> None:
        if self._update_hook(my_task):
            my_task._ready()

    def _update_hook(self, my_task: Row) -> bool:
        return True

    def _on_complete_hook(self, my_task: Row) -> None:
        """The library's hook copies data and calls listeners; there are neither."""

    def _on_cancel(self, my_task: Row) -> None:
        """The library's method calls listeners; there are none."""


def bring_to_rest(net: Net) -> None:
    """Rewrites the rows into the marking. Doing it twice changes nothing.

    Raises EngineError when a row is in a state that no resting case may hold.
    """
    tasks, root = net.tasks, net.task_tree
    kept: dict[int, Row] = {}
    for row in net.tokens():
        if row._state != WAITING and not row.task_spec.manual:
            raise EngineError("（有尚未运行的步骤）", element=row.task_spec.name)
        above = tasks[row._parent]
        if above.task_spec.holds_events and any(
            tasks[child]._state == WAITING and tasks[child].task_spec.hangs for child in above._children
        ):
            kept[above.id] = above
            above._parent = above.scope.id
        else:
            row._parent = row.scope.id
        kept[row.id] = row
    tasks.clear()
    tasks[root.id] = root
    root._children.clear()
    for row in kept.values():
        row._children = []
    for ref in sorted(kept):  # a row is younger than the one it lies in
        above = kept.get(kept[ref]._parent or 0)
        if above is not None and above.id not in tasks:  # but a split may be put before a step already open
            _hang(tasks, above)
        if ref not in tasks:
            _hang(tasks, kept[ref])
    net.last_end = None
    net.last_task = root


def _hang(tasks: dict[int, Row], row: Row) -> None:
    parent = tasks[row._parent or 0]
    tasks[row.id] = row
    row.triggered = parent is row.scope
    row.level = parent.level + 1
    parent._children.append(row.id)

"""What BPMN says, played with counters: an independent judge of the engine, which shares no code with it.

A token stands on a flow, in an open task, or at a parallel join. An exclusive gateway passes each token at
once on the first flow whose condition holds, else the default. A parallel gateway takes one token from each
incoming flow and puts one on each outgoing. A boundary timer belongs to one opening of its task.
"""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Edge:
    """A flow; `when` = (task, outcome) is true if that was the task's latest outcome."""

    source: str
    target: str
    when: tuple[str, str] | None = None


@dataclass(frozen=True)
class Bell:
    """A boundary timer; `rings` is how often it may fire."""

    name: str
    task: str
    interrupting: bool
    rings: int = 1
    ends: bool = False  # its side line ends when the task is returned


@dataclass(frozen=True)
class Home:
    """Where whoever drew the node put it: on the side line of a bell or the main line (''), and in which
    branches, outermost first, each as (split, join, which one).
    """

    line: str
    path: tuple[tuple[str, str, int], ...] = ()


@dataclass
class Graph:
    """A diagram: node → kind (start, task, either, both, end), flows in order of trial, timers."""

    nodes: dict[str, str] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    bells: list[Bell] = field(default_factory=list)
    homes: dict[str, Home] = field(default_factory=dict)


@dataclass(eq=False)  # two openings of one task are two, however alike
class Opening:
    """A task that is open: which of its timers may still fire, and how often; `aside` is the bell behind
    which it was opened, empty on the main line.
    """

    task: str
    aside: str
    bells: dict[Bell, int]


class TokenGame:
    """The marking of one case."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.openings: list[Opening] = []
        self.at_join: dict[Edge, list[str]] = {}
        self.outcomes: dict[str, str] = {}
        self._leave(next(name for name, kind in graph.nodes.items() if kind == "start"), aside="")

    def complete(self, opening: Opening, outcome: str) -> None:
        """A person finishes a task; the timers of this opening end with it."""
        self.openings.remove(opening)
        self.outcomes[opening.task] = outcome
        self._leave(opening.task, opening.aside)

    def ring(self, opening: Opening, bell: Bell) -> None:
        """A timer fires: it ends the task, or a token of its own sets out beside it."""
        if bell.interrupting:
            self.openings.remove(opening)
            self._leave(bell.name, opening.aside)
            return
        opening.bells[bell] -= 1
        if not opening.bells[bell]:
            del opening.bells[bell]
        self._leave(bell.name, aside=bell.name)

    @property
    def over(self) -> bool:
        """No token anywhere."""
        return not self.openings and not any(self.at_join.values())

    def seen(self) -> tuple[Counter[str], Counter[str], set[str]]:
        """Open tasks, armed timers, joins at which somebody waits."""
        return (
            Counter(opening.task for opening in self.openings),
            Counter(bell.name for opening in self.openings for bell in opening.bells),
            {edge.target for edge, waiting in self.at_join.items() if waiting},
        )

    def _leave(self, node: str, aside: str) -> None:
        for edge in [edge for edge in self.graph.edges if edge.source == node]:
            self._arrive(edge, aside)

    def _open(self, task: str, aside: str) -> None:
        bells = {bell: bell.rings for bell in self.graph.bells if bell.task == task}
        self.openings.append(Opening(task, aside, bells))

    def _arrive(self, edge: Edge, aside: str) -> None:
        node = edge.target
        kind = self.graph.nodes[node]
        if kind == "task":
            self._open(node, aside)
        elif kind == "either":
            out = [each for each in self.graph.edges if each.source == node]
            chosen = [each for each in out if each.when and self.outcomes.get(each.when[0]) == each.when[1]]
            self._arrive((chosen or [each for each in out if each.when is None])[0], aside)
        elif kind == "both":
            into = [each for each in self.graph.edges if each.target == node]
            self.at_join.setdefault(edge, []).append(aside)
            if all(self.at_join.get(each) for each in into):
                taken = [self.at_join[each].pop(0) for each in into]
                self._leave(node, taken[0] if all(taken) else "")

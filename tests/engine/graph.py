"""A diagram as flows between nodes: what the token game plays and what is drawn for the engine."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Edge:
    """A flow; `when` = (task, outcome) is true if that was the task's latest outcome."""

    source: str
    target: str
    when: tuple[str, str] | None = None


@dataclass(frozen=True)
class Bell:
    """A boundary event on a task or sub-process; `rings` is how often it may fire, 0 as often as it likes."""

    name: str
    task: str
    interrupting: bool
    rings: int = 1
    kind: str = "timer"
    ends: bool = False  # its side line ends when what it hangs on is returned


@dataclass(frozen=True)
class Place:
    """Where whoever drew the node put it inside its sub-process: on the side line of a bell or the main line
    (''), and in which branches, outermost first, each as (split, join, which one).
    """

    line: str
    path: tuple[tuple[str, str, int], ...] = ()


@dataclass
class Graph:
    """A diagram: node → kind, flows in order of trial, boundary events; `home` is the sub-process of a node.

    Kinds: start, begin (a start by message), task, pause, letter, ear, watch (a timer, a message, a signal, a
    condition awaited in the line), race (event-based gateway), either, both, some (inclusive), sub, call (of
    another process: a sub drawn elsewhere), end, stop (terminate), fault (error end), shout (escalation thrown),
    alarm (signal thrown); after a throw the token goes on. A condition is the fact of its event's own name.
    """

    nodes: dict[str, str] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    bells: list[Bell] = field(default_factory=list)
    home: dict[str, str] = field(default_factory=dict)
    many: dict[str, tuple[int, bool]] = field(default_factory=dict)  # how often, and whether in turn
    places: dict[str, Place] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)  # what a call calls, where that is not its own name

    @property
    def facts(self) -> list[str]:
        """What conditions are about."""
        bells = [bell.name for bell in self.bells if bell.kind == "condition"]
        return [name for name, kind in self.nodes.items() if kind == "watch"] + bells

    @property
    def starts(self) -> list[str]:
        """Where a case may begin."""
        begins = [name for name, kind in self.nodes.items() if kind in ("start", "begin")]
        return [name for name in begins if not self.home.get(name)]

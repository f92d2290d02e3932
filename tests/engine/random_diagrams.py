"""Random structured diagrams: blocks in blocks, joins inside loops, timers on tasks, for the token game."""

from random import Random

from tests.engine.drawing import Drawing
from tests.engine.token_game import Bell, Edge, Graph, Home

GOOD, AGAIN = "好", "再来"


class Grower:
    """Grows one diagram as a graph; `drawing_of` draws the same thing."""

    def __init__(self, random: Random, size: int) -> None:
        self.random = random
        self.left = size
        self.home = Home("")
        self.graph = Graph(nodes={"start": "start"}, homes={"start": self.home})
        self.last_task: str | None = None
        first, last = self.block(0)
        self.join("start", first)
        self.join(last, self.add("end"))

    def add(self, kind: str) -> str:
        """A new node."""
        name = f"{kind}{len(self.graph.nodes)}"
        self.graph.nodes[name] = kind
        self.graph.homes[name] = self.home
        return name

    def join(self, source: str, target: str, when: tuple[str, str] | None = None) -> None:
        """A new flow."""
        self.graph.edges.append(Edge(source, target, when))

    def block(self, depth: int) -> tuple[str, str]:
        """A part with one way in and one way out."""
        self.left -= 1
        if self.left <= 0 or depth > 5:
            return self.task(depth)
        shapes = [self.task, self.sequence, self.parallel, self.choice, self.loop]
        return self.random.choices(shapes, weights=[2, 4, 4, 2, 4])[0](depth)

    def task(self, depth: int) -> tuple[str, str]:
        """A task, with or without timers."""
        name = self.add("task")
        self.last_task = name
        out = name
        if self.random.random() < 0.25:  # interrupting: another task, then back to the line
            bell = self.bell(name, interrupting=True)
            other, merge = self.add("task"), self.add("either")
            self.join(bell, other)
            self.join(other, merge)
            self.join(name, merge)
            out = merge
        if self.random.random() < 0.3:  # not interrupting: a line of its own
            bell = self.bell(name, interrupting=False, rings=self.random.choice((1, 1, 2, 3)))
            home, self.home = self.home, Home(bell)
            if depth < 4 and self.left > 0:
                first, last = self.block(4 if self.random.random() < 0.5 else 3)
            else:
                first = last = self.add("task")
            self.join(bell, first)
            self.join(last, self.add("end"))
            self.last_task, self.home = name, home
        return name, out

    def bell(self, task: str, interrupting: bool, rings: int = 1) -> str:
        """A boundary timer."""
        name = f"bell{len(self.graph.bells)}"
        ends = not interrupting and len(self.graph.bells) % 3 == 2
        self.graph.bells.append(Bell(name, task, interrupting, rings, ends))
        self.graph.homes[name] = self.home
        return name

    def sequence(self, depth: int) -> tuple[str, str]:
        """One after the other."""
        first, middle = self.block(depth + 1)
        second, last = self.block(depth + 1)
        self.join(middle, second)
        return first, last

    def parallel(self, depth: int) -> tuple[str, str]:
        """Side by side."""
        split, join = self.add("both"), self.add("both")
        home = self.home
        for turn in range(self.random.choice((2, 2, 3))):
            self.home = Home(home.line, (*home.path, (split, join, turn)))
            first, last = self.block(depth + 1)
            self.join(split, first)
            self.join(last, join)
        self.home = home
        return split, join

    def choice(self, depth: int) -> tuple[str, str]:
        """One or the other, by the outcome of some earlier task; one branch may be empty."""
        gate, merge = self.add("either"), self.add("either")
        asked = self.last_task
        first, last = self.block(depth + 1)
        if asked is None or self.random.random() < 0.1:
            asked = self.last_task
        assert asked is not None
        self.join(gate, first, (asked, AGAIN))
        self.join(last, merge)
        if self.random.random() < 0.3:
            self.join(gate, merge)
        else:
            first, last = self.block(depth + 1)
            self.join(gate, first)
            self.join(last, merge)
        return gate, merge

    def loop(self, depth: int) -> tuple[str, str]:
        """Again as long as the last task says so; a join may be the last thing in it."""
        entry, gate = self.add("either"), self.add("either")
        first, last = self.block(depth + 1)
        assert self.last_task is not None
        again = self.last_task
        self.join(entry, first)
        self.join(last, gate)
        self.join(gate, entry, (again, AGAIN))
        out = self.add("either")
        self.join(gate, out)
        return entry, out


def random_graph(random: Random) -> Graph:
    """A diagram of 3 to about 80 nodes."""
    return Grower(random, random.randint(3, 24)).graph


def drawing_of(graph: Graph) -> Drawing:
    """The graph as BPMN; a task's status is its own name."""
    drawing = Drawing()
    for name, kind in graph.nodes.items():
        if kind == "task":
            drawing.task(name, outcomes=f"{GOOD}, {AGAIN}", status=name)
        elif kind == "either":
            plain = [place for place, e in enumerate(graph.edges) if e.source == name and e.when is None]
            drawing.either(name, default=f"e{plain[0]}")
        else:
            getattr(drawing, {"start": "start", "both": "both", "end": "end"}[kind])(name)
    for bell in graph.bells:
        text, kind = ("PT24H", "timeDuration") if bell.rings == 1 else (f"R{bell.rings}/PT24H", "timeCycle")
        said = {"onReturn": "end"} if bell.ends else {}
        drawing.timer(bell.name, bell.task, text, kind, bell.interrupting, **said)
    for place, edge in enumerate(graph.edges):
        when = None if edge.when is None else f'outcome("{edge.when[0]}") == "{edge.when[1]}"'
        drawing.flow(edge.source, edge.target, when, name=f"e{place}")
    return drawing

"""Random structured diagrams: blocks in blocks, joins inside loops, sub-processes, events, for the token game."""

from functools import cache
from random import Random

from app.engine.parser import parse
from app.engine.source import Source
from app.engine.version import Version
from tests.engine.drawing import Drawing, marker
from tests.engine.token_game import Bell, Edge, Graph, Place

GOOD, AGAIN = "好", "再来"
CATCHES = {"pause": ("timer", "PT1H"), "letter": ("message", "news"), "ear": ("signal", "siren")}
THROWS = {"shout": ("escalation", "hey"), "alarm": ("signal", "siren")}


class Grower:
    """Grows one diagram as a graph; `drawing_of` draws the same thing."""

    def __init__(self, random: Random, size: int, calls: bool, many: bool = False) -> None:
        self.random, self.calls = random, calls
        self.many = many
        self.left = size
        self.graph = Graph(nodes={"start": "start"}, places={"start": Place("")})
        self.last_task: str | None = None
        self.tasks: list[str] = []
        self.home, self.place = "", Place("")
        self.listening = False  # whether some sub-process round here catches an error
        first, last = self.block(0)
        self.join("start", first)
        self.join(last, self.add("end"))

    def add(self, kind: str) -> str:
        """A new node."""
        name = f"{kind}{len(self.graph.nodes)}"
        self.graph.nodes[name] = kind
        self.graph.home[name], self.graph.places[name] = self.home, self.place
        return name

    def join(self, source: str, target: str, when: tuple[str, str] | None = None) -> None:
        """A new flow; several people pass or reject what one says."""
        if when is not None and when[0] in self.graph.many:
            when = (when[0], "passed" if when[1] == GOOD else "rejected")
        self.graph.edges.append(Edge(source, target, when))

    def block(self, depth: int) -> tuple[str, str]:
        """A part with one way in and one way out."""
        self.left -= 1
        if self.left <= 0 or depth > 5:
            return self.task(depth)
        shapes = [self.task, self.sequence, self.parallel, self.choice, self.loop, self.sub, self.odd]
        shapes.append(self.inclusive)
        return self.random.choices(shapes, weights=[2, 4, 4, 2, 4, 3, 3, 4])[0](depth)

    def task(self, depth: int) -> tuple[str, str]:
        """A task, with or without timers."""
        name = self.add("task")
        if self.many and self.random.random() < 0.2:
            self.graph.many[name] = (self.random.choice((1, 2, 2, 3)), self.random.random() < 0.5)
        self.last_task = name
        self.tasks.append(name)
        out = name
        if self.random.random() < 0.25:
            out = self.interruption(name, "timer")
        if self.random.random() < 0.3:
            self.side_line(name, "timer", depth)
            self.last_task = name
        if self.random.random() < 0.15:
            kind = self.random.choice(("message", "signal"))
            if self.random.random() < 0.5:
                out = self.interruption(name, kind, out)
            else:
                self.side_line(name, kind, depth)
                self.last_task = name
        return name, out

    def interruption(self, name: str, kind: str, out: str | None = None) -> str:
        """An interrupting event on its edge: another task, then back to the line. Returns where they meet."""
        bell = self.bell(name, interrupting=True, kind=kind)
        other, merge = self.add("task"), self.add("either")
        self.join(bell, other)
        self.join(other, merge)
        self.join(out or name, merge)
        return merge

    def side_line(self, name: str, kind: str, depth: int) -> None:
        """An event that does not interrupt, with a line of its own."""
        rings = self.random.choice((1, 1, 2, 3)) if kind == "timer" else 0
        bell = self.bell(name, interrupting=False, rings=rings, kind=kind)
        place, self.place = self.place, Place(bell)
        if depth < 4 and self.left > 0:
            first, last = self.block(4 if self.random.random() < 0.5 else 3)
        else:
            first = last = self.add("task")
        self.join(bell, first)
        self.join(last, self.add("end"))
        self.place = place

    def bell(self, task: str, interrupting: bool, rings: int = 1, kind: str = "timer") -> str:
        """A boundary event."""
        name = f"bell{len(self.graph.bells)}"
        ends = kind == "timer" and not interrupting and len(self.graph.bells) % 3 == 2
        self.graph.bells.append(Bell(name, task, interrupting, rings, kind, ends))
        self.graph.home[name], self.graph.places[name] = self.home, self.place
        return name

    def sub(self, depth: int) -> tuple[str, str]:
        """A sub-process or a called process, with or without events on its edge."""
        is_call = self.calls and self.last_task is not None and self.random.random() < 0.4
        name, home = self.add("call" if is_call else "sub"), self.home
        if self.many and self.random.random() < 0.4:
            self.graph.many[name] = (self.random.choice((1, 2, 2, 3)), self.random.random() < 0.5)
        tasks, last_task = self.tasks, self.last_task
        kinds = ("timer", "error", "escalation", "message", "signal")
        caught = [kind for kind in kinds if self.random.random() < 0.3]
        listening, self.listening = self.listening, self.listening or "error" in caught
        place = self.place
        self.home, self.place = name, Place("")
        start = self.add("start")
        if is_call:  # it knows no outcomes but its own
            self.tasks = []
            first, middle = self.task(depth + 1)
            second, last = self.block(depth + 1)
            self.join(middle, second)
        else:
            first, last = self.block(depth + 1)
        self.join(start, first)
        self.join(last, self.add("end"))
        self.home, self.place, self.listening = home, place, listening
        if is_call:
            self.tasks, self.last_task = tasks, last_task
        asked = self.last_task
        out = name
        for kind in caught:
            if kind == "error" or self.random.random() < 0.5:
                out = self.interruption(name, kind, out)
            else:
                self.side_line(name, kind, depth)
        self.last_task = asked
        return name, out

    def odd(self, depth: int) -> tuple[str, str]:
        """A task and then: an escalation, a pause, or (if somebody says so) an end to everything here."""
        first, last = self.task(depth)
        plain = ("shout", "alarm", "pause", "letter", "ear")
        kind = self.random.choice((*plain, "race", "stop", *("fault",) * 4 * self.listening))  # always caught
        if kind == "race":
            return first, self.race(last)
        if kind in plain:
            other = self.add(kind)
            self.join(last, other)
            return first, other
        gate, out = self.add("either"), self.add("either")
        assert self.last_task is not None
        self.join(last, gate)
        self.join(gate, self.add(kind), (self.last_task, AGAIN))
        self.join(gate, out)
        return first, out

    def sequence(self, depth: int) -> tuple[str, str]:
        """One after the other."""
        first, middle = self.block(depth + 1)
        second, last = self.block(depth + 1)
        self.join(middle, second)
        return first, last

    def parallel(self, depth: int) -> tuple[str, str]:
        """Side by side."""
        split, join = self.add("both"), self.add("both")
        place = self.place
        for turn in range(self.random.choice((2, 2, 3))):
            self.place = Place(place.line, (*place.path, (split, join, turn)))
            first, last = self.block(depth + 1)
            self.join(split, first)
            self.join(last, join)
        self.place = place
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

    def race(self, last: str) -> str:
        """An event-based gateway; each event has its own line, and they meet again."""
        gateway, out = self.add("race"), self.add("either")
        self.join(last, gateway)
        for kind in self.random.sample(("pause", "letter", "ear"), self.random.choice((2, 3))):
            event, other = self.add(kind), self.add("task")
            self.join(gateway, event)
            self.join(event, other)
            self.join(other, out)
        return out

    def inclusive(self, depth: int) -> tuple[str, str]:
        """Whatever holds, side by side; at its end an inclusive join, which knows what may still come."""
        begin, middle = self.task(depth)
        split, join = self.add("some"), self.add("some")
        self.join(middle, split)
        plain, place = self.random.choice((0, 1, 1)), self.place
        for branch in range(self.random.choice((2, 2, 3))):
            self.place = Place(place.line, (*place.path, (split, join, branch)))
            asked = self.random.choice(self.tasks[-3:])
            when = None if branch == plain else (asked, self.random.choice((GOOD, AGAIN)))
            if self.random.random() < 0.15:  # straight to the join
                first, last = self.add("either"), None
                self.join(first, join)
            else:
                first, last = self.block(depth + 1)
            self.join(split, first, when)
            if last is not None:
                self.join(last, join)
        self.place = place
        return begin, join

    def loop(self, depth: int) -> tuple[str, str]:
        """Again as long as the last task says so; a join may be the last thing in it."""
        entry, gate = self.add("either"), self.add("either")
        work = self.add("task")  # the rest may run through without anybody
        self.last_task = work
        first, last = self.block(depth + 1)
        again = self.last_task
        self.join(entry, work)
        self.join(work, first)
        self.join(last, gate)
        self.join(gate, entry, (again, AGAIN))
        out = self.add("either")
        self.join(gate, out)
        return entry, out


def random_graph(random: Random, calls: bool = False, many: bool = False) -> Graph:
    """A diagram of 3 to about 80 nodes, in which every error is caught; with `calls` several diagrams, with
    `many` multi-instance here and there.
    """
    return Grower(random, random.randint(3, 24), calls, many).graph


def version_of_graph(graph: Graph) -> Version:
    """The graph as a version, with those that it calls."""
    names = [name for name, kind in graph.nodes.items() if kind == "call"]
    called = {name: name for name in names}

    @cache
    def find(name: str) -> Version:
        return parse(Source(name, name, drawing_of(graph, name, name).bytes(), called), find)

    return find("")


def drawing_of(graph: Graph, home: str = "", process: str = "") -> Drawing:
    """The graph, or what is inside one of its nodes, as BPMN; a task's status is its own name."""
    drawing = Drawing()
    if home == process:
        drawing.declare("error", "broken").declare("escalation", "hey")
        drawing.declare("message", "news").declare("signal", "siren")
    inside = {name for name in graph.nodes if graph.home.get(name, "") == home}
    for name, kind in graph.nodes.items():
        if name not in inside:
            continue
        times, in_turn = graph.many.get(name, (0, False))
        if kind == "task" and name in graph.many:
            drawing.signing(
                name, count=str(times), sequential=in_turn, outcomes=f"{GOOD}, {AGAIN}", status=name
            )
        elif kind == "task":
            drawing.task(name, outcomes=f"{GOOD}, {AGAIN}", status=name)
        elif kind in ("either", "some"):
            plain = [place for place, e in enumerate(graph.edges) if e.source == name and e.when is None]
            tag = "exclusiveGateway" if kind == "either" else "inclusiveGateway"
            drawing.node(tag, name, f'default="e{plain[0]}"')
        elif kind == "sub":
            many = marker(count=str(times), sequential=in_turn) if name in graph.many else ""
            drawing.inside(name, drawing_of(graph, name, process), many)
        elif kind == "call":
            many = marker(count=str(times), sequential=in_turn) if name in graph.many else ""
            drawing.node("callActivity", name, f'calledElement="{name}"', many)
        elif kind in CATCHES:
            drawing.catch(name, *CATCHES[kind])
        elif kind == "race":
            drawing.node("eventBasedGateway", name)
        elif kind in THROWS:
            drawing.throw(name, *THROWS[kind])
        elif kind == "stop":
            drawing.over(name, "terminate")
        elif kind == "fault":
            drawing.over(name, "error", "broken")
        else:
            getattr(drawing, {"start": "start", "both": "both", "end": "end"}[kind])(name)
    for bell in graph.bells:
        if bell.task in inside:
            _draw_bell(drawing, bell)
            inside.add(bell.name)
    for place, edge in enumerate(graph.edges):
        if edge.source in inside:
            when = None if edge.when is None else f'outcome("{edge.when[0]}") == "{edge.when[1]}"'
            drawing.flow(edge.source, edge.target, when, name=f"e{place}")
    return drawing


def _draw_bell(drawing: Drawing, bell: Bell) -> None:
    if bell.kind == "timer":
        text, kind = ("PT24H", "timeDuration") if bell.rings == 1 else (f"R{bell.rings}/PT24H", "timeCycle")
        said = {"onReturn": "end"} if bell.ends else {}
        drawing.timer(bell.name, bell.task, text, kind, bell.interrupting, **said)
    else:
        code = {"error": "broken", "escalation": "hey", "message": "news", "signal": "siren"}[bell.kind]
        drawing.edge(bell.name, bell.task, bell.kind, code, bell.interrupting)

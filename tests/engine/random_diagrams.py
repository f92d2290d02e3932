"""Random structured diagrams: blocks in blocks, joins inside loops, sub-processes, events, for the token game."""

from random import Random

from tests.engine.graph import Bell, Edge, Graph, Place
from tests.engine.graph_drawing import AGAIN, GOOD

NEVER = "never"
"""What no step comes to."""
LOUD = {"error": "fault", "escalation": "shout"}


class Grower:
    """Grows one diagram as a graph; `drawing_of` draws the same thing."""

    def __init__(
        self, random: Random, size: int, calls: bool, many: bool, facts: bool, letters: bool
    ) -> None:
        self.random, self.calls = random, calls
        self.many, self.facts = many, facts
        self.left = size
        self.graph = Graph(nodes={"start": "start"}, places={"start": Place("")})
        self.last_task: str | None = None
        self.tasks: list[str] = []
        self.home, self.place = "", Place("")
        self.heard: frozenset[str] = frozenset()  # what the sub-processes round here catch
        first, last = self.block(0)
        self.join("start", first)
        if letters and random.random() < 0.4:
            self.begin_by_message(first)
        self.join(last, self.add("end"))

    def add(self, kind: str) -> str:
        """A new node."""
        name = f"{kind}{len(self.graph.nodes)}"
        self.graph.nodes[name] = kind
        self.graph.home[name], self.graph.places[name] = self.home, self.place
        return name

    def join(self, source: str, target: str, when: tuple[str, str] | None = None) -> None:
        """A new flow; several people pass or reject what one says. Of a step of several people that lies in a
        branch beside it is not asked: it may open in the same instant, and BPMN leaves open what comes first.
        """
        if when is not None and when[0] in self.graph.many:
            said = "passed" if when[1] == GOOD else "rejected"
            when = (when[0], NEVER if self.beside(source, when[0]) else said)
        self.graph.edges.append(Edge(source, target, when))

    def beside(self, one: str, other: str) -> bool:
        """Whether two nodes, or sub-processes round them, lie in different branches of one block."""
        ours, theirs = self.branches(one), self.branches(other)
        return any(theirs.get(split, turn) != turn for split, turn in ours.items())

    def branches(self, node: str) -> dict[str, int]:
        """In which branch of each block it lies."""
        found: dict[str, int] = {}
        while node:
            found |= {split: turn for split, _, turn in self.graph.places[node].path}
            node = self.graph.home[node]
        return found

    def begin_by_message(self, first: str) -> None:
        """A message may begin the case too, or it alone; sometimes there is something to do before the rest."""
        begin, merge = self.add("begin"), self.add("either")
        self.graph.edges = [
            Edge(e.source, merge, e.when) if e.source == "start" else e for e in self.graph.edges
        ]
        if self.random.random() < 0.5:
            task = self.add("task")
            self.join(begin, task)
            self.join(task, merge)
        else:
            self.join(begin, merge)
        self.join(merge, first)
        if self.random.random() < 0.3:
            del self.graph.nodes["start"]
            self.graph.edges = [each for each in self.graph.edges if each.source != "start"]

    def block(self, depth: int) -> tuple[str, str]:
        """A part with one way in and one way out."""
        self.left -= 1
        if self.left <= 0 or depth > 5:
            return self.task(depth)
        shapes = [self.task, self.sequence, self.parallel, self.choice, self.loop, self.sub, self.odd]
        shapes.append(self.inclusive)
        return self.random.choices(shapes, weights=[2, 4, 4, 2, 4, 4, 6 if self.heard else 3, 4])[0](depth)

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
        if self.facts and self.random.random() < 0.25:
            if self.random.random() < 0.5:
                out = self.interruption(name, "condition", out)
            else:
                self.side_line(name, "condition", depth)
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
        kinds = ("timer", "error", "escalation", "message", "signal", *("condition",) * self.facts)
        caught = [kind for kind in kinds if self.random.random() < (0.4 if kind in LOUD else 0.3)]
        heard, self.heard = self.heard, self.heard | {"error", "escalation"}.intersection(caught)
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
        self.home, self.place, self.heard = home, place, heard
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
        louder = [LOUD[kind] for kind in sorted(self.heard) for _ in range(5)]  # an error is always caught
        plain = ("shout", "alarm", "pause", "letter", "ear", *("watch",) * 2 * self.facts)
        kind = self.random.choice((*plain, "race", "stop", *louder))
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
        kinds = ("pause", "letter", "ear", *("watch",) * self.facts)
        for kind in self.random.sample(kinds, self.random.choice((2, 3))):
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


def random_graph(
    random: Random, calls: bool = False, many: bool = False, facts: bool = False, letters: bool = False
) -> Graph:
    """A diagram of 3 to about 80 nodes, in which every error is caught; with `calls` several diagrams, with
    `many` multi-instance here and there, with `facts` conditional events, with `letters` starts by message.
    """
    return Grower(random, random.randint(3, 24), calls, many, facts, letters).graph

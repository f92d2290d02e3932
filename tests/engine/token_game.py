"""What BPMN says, played with counters: an independent judge of the engine, which shares no code with it.

A token stands on a flow, in an open task, in an open sub-process, or at a join. An exclusive gateway passes each
token at once on the first flow whose condition holds, else the default. A parallel gateway takes one token from
each incoming flow and puts one on each outgoing. What hangs on the edge of a task or sub-process (a bell) belongs to
one opening of it. A sub-process goes on when no token is left inside it. An inclusive gateway joins, when all else
stands still, unless a token elsewhere can reach one of its empty flows, and none on which somebody has arrived.

A condition is looked at when all else stands still, in the order in which openings came; on an edge without
interrupting it rings when it becomes true, and again when it was false meanwhile.

A task of several people is one opening in which each acts once; all must agree. A repeated sub-process is one
opening with a scope for each turn inside, and what tasks inside a turn came to is that turn's own affair.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from tests.engine.graph import Bell, Edge, Graph


@dataclass(eq=False)  # two openings of one task are two, however alike
class Opening:
    """A task, a pause or a sub-process that is open: which of its bells may still fire, and how often.

    `aside` names the bells behind which it was opened, empty on the main line.
    """

    task: str
    aside: str
    bells: dict[Bell, int]
    scope: "Opening | None" = None
    at_join: dict[Edge, list[str]] = field(default_factory=dict)
    votes: list[str] = field(default_factory=list)
    turns: int = 0  # of a repeated sub-process: how many are over
    turn: int | None = None
    known: dict[str, str] = field(default_factory=dict)
    rung: set[Bell] = field(default_factory=set)  # conditions that were true already
    number: int = field(default_factory=count().__next__)

    def lies_in(self, scope: "Opening") -> bool:
        """At any depth."""
        return self.scope is scope or (self.scope is not None and self.scope.lies_in(scope))


class TokenGame:
    """The marking of one case."""

    def __init__(
        self, graph: Graph, agreed: str = "", start: str = "start", facts: Iterable[str] = ()
    ) -> None:
        self.graph = graph
        self.agreed = agreed  # the outcome that means yes
        self.case = Opening("", "", {})
        self.openings: list[Opening] = []
        self.subs: list[Opening] = []
        self.outcomes: dict[str, str] = {}
        self.facts = dict.fromkeys(facts, True)
        self.flying: deque[tuple[Edge, str, Opening]] = deque()
        self._leave(start, "", self.case)
        self._settle()

    def complete(self, opening: Opening, outcome: str) -> None:
        """A person finishes a task; the bells of this opening end with it, if nobody else is to act on it."""
        if opening.task in self.graph.many:
            opening.votes.append(outcome)
            if len(opening.votes) < self.graph.many[opening.task][0]:
                return
            outcome = "passed" if set(opening.votes) == {self.agreed} else "rejected"
        self._known(opening.scope)[opening.task] = outcome
        self.come(opening, opening.task)

    def acting(self, opening: Opening) -> int:
        """How many may act on this task now."""
        people, in_turn = self.graph.many.get(opening.task, (1, True))
        return 1 if in_turn else people - len(opening.votes)

    def turn_of(self, opening: Opening) -> int | None:
        """The turn of the innermost repeated sub-process it lies in."""
        scope = opening.scope
        while scope is not None and scope.turn is None:
            scope = scope.scope
        return None if scope is None else scope.turn

    def _known(self, scope: Opening | None) -> dict[str, str]:
        """Where outcomes of tasks in this scope are kept: with the innermost turn round it."""
        while scope is not None and scope.turn is None:
            scope = scope.scope
        return self.outcomes if scope is None else scope.known

    def _said(self, task: str, scope: Opening | None) -> str | None:
        """The latest outcome of a task, as seen from this scope."""
        while scope is not None:
            if scope.turn is not None and self._drawn_in(task, scope.task):
                return scope.known.get(task)
            scope = scope.scope
        return self.outcomes.get(task)

    def _drawn_in(self, node: str, sub: str) -> bool:
        home = self._home(node)
        return home == sub or (home != "" and self._drawn_in(home, sub))

    def come(self, opening: Opening, event: str) -> None:
        """What was awaited in the line has come; of several behind a gateway, this one."""
        self._come(opening, event)
        self._settle()

    def _come(self, opening: Opening, event: str) -> None:
        self.openings.remove(opening)
        self._leave(event, opening.aside, self._scope(opening))

    def awaited(self, opening: Opening) -> list[str]:
        """The events in the line that this opening waits for."""
        if self.graph.nodes[opening.task] == "race":
            return [edge.target for edge in self.graph.edges if edge.source == opening.task]
        return [opening.task]

    def ring(self, opening: Opening, bell: Bell) -> None:
        """A bell rings: it ends what it hangs on, or a token of its own sets out beside it."""
        self._ring(opening, bell)
        self._settle()

    def learn(self, fact: str, true: bool) -> None:
        """Something becomes so, or is so no more."""
        self.facts[fact] = true
        self._settle()

    @property
    def over(self) -> bool:
        """No token anywhere."""
        return not self.openings and not self.subs and not any(self.case.at_join.values())

    @property
    def stuck(self) -> bool:
        """Tokens wait for others, and nobody is left who could move: two walks of a side branch mixed."""
        return not self.openings and not self.over and not self._listening

    @property
    def ringing(self) -> list[tuple[Opening, Bell]]:
        """Every bell that something outside may ring."""
        return [(each, bell) for each, bell in self._listening if bell.kind != "condition"]

    @property
    def _listening(self) -> list[tuple[Opening, Bell]]:
        """Every bell that waits for something outside."""
        return [
            (each, bell)
            for each in self.openings + self.subs
            for bell in each.bells
            if bell.kind in ("timer", "message", "signal", "condition")
        ]

    def seen(self) -> tuple[Counter[str], Counter[str], set[str], Counter[str]]:
        """Open tasks, armed timers, joins at which somebody waits, open sub-processes."""
        tasks: Counter[str] = Counter()
        for each in self.openings:
            if self.graph.nodes[each.task] == "task":
                tasks[each.task] += self.acting(each)
        waits = Counter(bell.name for _, bell in self._listening)
        inline = [each for each in self.openings if self.graph.nodes[each.task] != "task"]
        waits += Counter(event for each in inline for event in self.awaited(each))
        joins = {
            edge.target
            for scope in [self.case, *self.subs]
            for edge, waiting in scope.at_join.items()
            if waiting
        }
        subs = Counter(each.task if each.turn is None else f"{each.task}.Instance" for each in self.subs)
        return tasks, waits, joins, subs

    def _scope(self, opening: Opening) -> Opening:
        return opening.scope or self.case

    def _begin(self, scope: Opening) -> None:
        graph = self.graph
        start = next(n for n, kind in graph.nodes.items() if kind == "start" and self._home(n) == scope.task)
        self._leave(start, scope.aside, scope)

    def _home(self, node: str) -> str:
        return self.graph.home.get(node, "")

    def _leave(self, node: str, aside: str, scope: Opening) -> None:
        self.flying += [(edge, aside, scope) for edge in self.graph.edges if edge.source == node]

    def _settle(self) -> None:
        while True:
            while self.flying:
                self._arrive(*self.flying.popleft())
            done = next((sub for sub in self.subs if self._is_empty(sub)), None)
            if done is not None:
                self.subs.remove(done)
                if done.turn is None or self._is_last_turn(done):
                    self._leave(done.task, done.aside, self._scope(done if done.turn is None else done.scope))
            elif not self._join_some() and not self._look():
                return

    def _look(self) -> bool:
        """One condition that is true now moves what waits for it."""
        for each in sorted(self.openings + self.subs, key=lambda each: each.number):
            if each in self.openings:
                for event in self.awaited(each):
                    if self.graph.nodes[event] == "watch" and self.facts.get(event):
                        self._come(each, event)
                        return True
            for bell in [bell for bell in each.bells if bell.kind == "condition"]:
                if not self.facts.get(bell.name):
                    each.rung.discard(bell)
                elif bell not in each.rung:
                    each.rung.add(bell)
                    self._ring(each, bell)
                    return True
        return False

    def _is_last_turn(self, done: Opening) -> bool:
        whole = done.scope
        assert whole is not None
        assert done.turn is not None
        times, in_turn = self.graph.many[whole.task]
        whole.turns += 1
        self._known(whole.scope).update(done.known)
        if whole.turns < times:
            if in_turn:
                self._take_turn(whole, done.turn + 1)
            return False
        self.subs.remove(whole)
        return True

    def _take_turn(self, whole: Opening, turn: int) -> None:
        scope = Opening(whole.task, whole.aside, {}, whole, turn=turn)
        self.subs.append(scope)
        self._begin(scope)

    def _join_some(self) -> bool:
        """Opens one inclusive join, if one may open."""
        for scope in [self.case, *self.subs]:
            for node in {edge.target: None for edge, waiting in scope.at_join.items() if waiting}:
                if self.graph.nodes[node] == "some" and not self._is_awaited(node, scope):
                    into = [edge for edge in scope.at_join if edge.target == node and scope.at_join[edge]]
                    taken = [scope.at_join[edge].pop(0) for edge in into]
                    self._pass_some(node, taken[0] if all(taken) else "", scope)
                    return True
        return False

    def _is_awaited(self, join: str, scope: Opening) -> bool:
        into = [edge for edge in self.graph.edges if edge.target == join]
        come = {edge for edge in into if scope.at_join.get(edge)}
        tokens = [
            [each.task, *(bell.name for bell in each.bells)]
            for each in self.openings + self.subs
            if self._scope(each) is scope
        ]
        tokens += [
            [edge.target] for edge, waiting in scope.at_join.items() if waiting and edge.target != join
        ]
        for token in tokens:
            ways = self._ways_to(join, token)
            if ways - come and not ways & come:
                return True
        return False

    def _ways_to(self, join: str, begin: list[str]) -> set[Edge]:
        seen, waiting, found = set(begin), list(begin), set()
        while waiting:
            node = waiting.pop()
            for edge in [edge for edge in self.graph.edges if edge.source == node]:
                if edge.target == join:
                    found.add(edge)
                elif edge.target not in seen:
                    beside = [bell.name for bell in self.graph.bells if bell.task == edge.target]
                    seen.update([edge.target, *beside])
                    waiting += [edge.target, *beside]
        return found

    def _pass_some(self, node: str, aside: str, scope: Opening) -> None:
        out = [edge for edge in self.graph.edges if edge.source == node]
        chosen = [each for each in out if each.when and self._said(each.when[0], scope) == each.when[1]]
        for edge in chosen or [each for each in out if each.when is None]:
            self.flying.append((edge, aside, scope))

    def _is_empty(self, sub: Opening) -> bool:
        inside = any(each.lies_in(sub) for each in self.openings + self.subs)
        return not inside and not any(sub.at_join.values())

    def _enter(self, node: str, aside: str, scope: Opening) -> None:
        bells = {bell: bell.rings for bell in self.graph.bells if bell.task == node}
        opening = Opening(node, aside, bells, scope)
        times, in_turn = self.graph.many.get(node, (0, False))
        if self.graph.nodes[node] in ("sub", "call"):
            self.subs.append(opening)
            if not times:
                self._begin(opening)
            for turn in range(1 if in_turn else times):
                self._take_turn(opening, turn)
        else:
            if times:
                self._known(scope)[node] = "undecided"
            self.openings.append(opening)

    def _arrive(self, edge: Edge, aside: str, scope: Opening) -> None:
        node = edge.target
        kind = self.graph.nodes[node]
        if kind in ("task", "pause", "letter", "ear", "watch", "race", "sub", "call"):
            self._enter(node, aside, scope)
        elif kind == "either":
            out = [each for each in self.graph.edges if each.source == node]
            chosen = [each for each in out if each.when and self._said(each.when[0], scope) == each.when[1]]
            self._arrive((chosen or [each for each in out if each.when is None])[0], aside, scope)
        elif kind == "both":
            into = [each for each in self.graph.edges if each.target == node]
            scope.at_join.setdefault(edge, []).append(aside)
            if all(scope.at_join.get(each) for each in into):
                taken = [scope.at_join[each].pop(0) for each in into]
                self._leave(node, taken[0] if all(taken) else "", scope)
        elif kind == "some":
            if len([each for each in self.graph.edges if each.target == node]) == 1:
                self._pass_some(node, aside, scope)
            else:
                scope.at_join.setdefault(edge, []).append(aside)
        elif kind == "stop":
            self._empty(scope)
        elif kind == "fault":
            self._call_out(scope, "error")
        elif kind == "shout":
            self._leave(node, aside, scope)
            self._call_out(scope, "escalation")
        elif kind == "alarm":
            self._leave(node, aside, scope)
            self._sound()

    def _sound(self) -> None:
        """Every bell and every ear of the case that waits for the signal at this moment."""
        for each in self.openings + self.subs:
            for bell in list(each.bells):
                if bell.kind == "signal" and (each in self.openings or each in self.subs):
                    self._ring(each, bell)
            if each in self.openings:
                ears = [event for event in self.awaited(each) if self.graph.nodes[event] == "ear"]
                if ears:
                    self._come(each, ears[0])

    def _call_out(self, scope: Opening, kind: str) -> None:
        """Outwards to the first sub-process on whose edge somebody listens."""
        while scope is not self.case:
            for bell in scope.bells:
                if bell.kind == kind:
                    self._ring(scope, bell)
                    return
            scope = self._scope(scope)

    def _ring(self, opening: Opening, bell: Bell) -> None:
        scope = self._scope(opening)
        if bell.interrupting:
            if opening in self.subs:
                self._empty(opening)
                self.subs.remove(opening)
            else:
                self.openings.remove(opening)
            self._leave(bell.name, opening.aside, scope)
            return
        if bell.rings:
            opening.bells[bell] -= 1
            if not opening.bells[bell]:
                del opening.bells[bell]
        self._leave(bell.name, f"{opening.aside}/{bell.name}" if opening.aside else bell.name, scope)

    def _empty(self, scope: Opening) -> None:
        def stays(each: Opening) -> bool:
            return scope is not self.case and not each.lies_in(scope)

        self.openings = [each for each in self.openings if stays(each)]
        self.subs = [each for each in self.subs if stays(each)]
        self.flying = deque(each for each in self.flying if each[2] is not scope and stays(each[2]))
        scope.at_join.clear()

"""Returns played with counters: where branches begin and end is known from whoever drew the diagram.

It shares no code with the engine and analyses nothing: `Graph.places` says in which branches a node was drawn.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.engine.graph import Bell, Edge, Graph
from tests.engine.token_game import Opening, TokenGame

Path = tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Way:
    """One return: on which floor, the branch that is cleared there, the closed blocks to be entered on the way
    to `element`, which is the step or the sub-process round it. `own`: what stands for the task that asks.
    """

    step: str
    element: str
    scope: Opening
    aside: str
    own: Opening | None
    cleared: Path
    closed: Path


class ReturnGame(TokenGame):
    """A token game in which people also go back."""

    def __init__(self, graph: Graph, agreed: str, start: str, facts: Iterable[str] = ()) -> None:
        self.entered: dict[
            Opening | None, set[str]
        ] = {}  # by the turn of a repeated sub-process; None: outside
        self.fired: dict[tuple[Opening, str], int] = {}
        super().__init__(graph, agreed, start, facts)

    def ways(self, opening: Opening | None) -> dict[str, Way]:
        """Step → how to go back to it, for every step this task may go back to."""
        found = {}
        for step in set().union(*self.entered.values()):
            way = self._way(step, opening)
            if way is not None and self._passed(step, way.scope):
                standing = {each.task for each in self._cleared(way)} | {e.target for e in self._fetched(way)}
                if self._reach([way.element]) & standing or not self.alive(way.scope, way.aside):
                    found[step] = way
        return found

    def alive(self, scope: Opening, aside: str) -> bool:
        """Whether anything of a line is still there."""
        open_or_sent = [(each.scope, each.aside) for each in self.openings + self.subs]
        open_or_sent += [(within, line) for _, line, within in self.flying]
        return any(within is scope and line == aside for within, line in open_or_sent) or any(
            aside in waiting for waiting in scope.at_join.values()
        )

    def mixed(self, way: Way) -> bool:
        """Whether several firings of one bell may be under way."""
        return way.own is not None and self.fired.get((way.scope, way.aside), 0) > 1

    def go_back(self, way: Way, block: int | None) -> None:
        """`block`: which of the closed blocks starts anew; None: only this branch of all of them."""
        gone, fetched = self._cleared(way), self._fetched(way)
        begin = way.element if block is None else way.closed[block][0]
        self._forget_votes(gone)
        self._take_back(way, begin, {*(each.task for each in gone), *(edge.target for edge in fetched)})
        again = {way.element, *(each.task for each in gone), *(edge.target for edge in fetched)}
        ended = not gone and not fetched
        again |= {node for node in self._reach([begin]) if ended or self._reach([node]) & again}
        for opening in gone:
            self._remove(opening)
        for edge in fetched:
            way.scope.at_join[edge].remove(way.aside)
        for bell in [bell for bell in self.graph.bells if bell.ends and bell.task in again]:
            self._end(way.scope, f"{way.aside}/{bell.name}" if way.aside else bell.name)
        for split, join, turn in [each for each in way.closed[:block] if self.graph.nodes[each[1]] == "both"]:
            for edge in self.graph.edges:
                if edge.target == join and self._turn(edge, split) != turn:
                    way.scope.at_join.setdefault(edge, []).append(way.aside)
        if block is None:
            self._enter(way.element, way.aside, way.scope)
        elif self.graph.nodes[begin] == "some":
            self._pass_some(begin, way.aside, way.scope)
        else:
            self._leave(begin, way.aside, way.scope)
        self._settle()

    def _take_back(self, way: Way, begin: str, standing: set[str]) -> None:
        """What was decided since `begin` was entered last counts no more, beside and inside neither."""
        last = standing or {node for node in self.graph.nodes if not self._ahead(node)}
        walked = {begin} | {
            node for node in self._reach(self._ahead(begin), begin) if self._reach([node], begin) & last
        }
        depth = len(way.cleared)
        walked = {node for node in walked if self._path(node)[:depth] == way.cleared}
        while True:  # side lines that end with it, at any depth
            bells = [b for b in self.graph.bells if b.ends and not b.interrupting and b.task in walked]
            beside = {node for bell in bells for node in self._reach([bell.name])}
            if beside <= walked:
                break
            walked |= beside
        known = self._known(way.scope)
        for step in known:
            home, lies = step, step in walked
            while home := self.graph.home.get(home, ""):
                lies |= home in walked
            if lies:
                known[step] = ""

    def _ahead(self, node: str) -> list[str]:
        ahead = [edge.target for edge in self.graph.edges if edge.source == node]
        return ahead + [bell.name for bell in self.graph.bells if bell.interrupting and bell.task == node]

    # -- below ---------------------------------------------------------------------------------------

    def _enter(self, node: str, aside: str, scope: Opening) -> None:
        if self.graph.nodes[node] == "task":
            self.entered.setdefault(self._turn_round(scope), set()).add(node)
        super()._enter(node, aside, scope)

    def _turn_round(self, scope: Opening | None) -> Opening | None:
        while scope is not None and scope.turn is None:
            scope = scope.scope
        return scope

    def _is_last_turn(self, done: Opening) -> bool:
        self._gather(done)
        return super()._is_last_turn(done)

    def _empty(self, scope: Opening) -> None:
        for each in reversed(self.subs):  # inner ones are younger
            if each.turn is not None and (scope is self.case or each.lies_in(scope)):
                self._gather(each)
        super()._empty(scope)

    def _gather(self, turn: Opening) -> None:
        """A turn is over: that its steps were entered is known outside."""
        assert turn.scope is not None
        outside = self._turn_round(turn.scope.scope)
        self.entered.setdefault(outside, set()).update(self.entered.pop(turn, set()))

    def _ring(self, opening: Opening, bell: Bell) -> None:
        if not bell.interrupting:
            line = (self._scope(opening), f"{opening.aside}/{bell.name}" if opening.aside else bell.name)
            self.fired[line] = self.fired.get(line, 0) + 1 if self.alive(*line) else 1
        super()._ring(opening, bell)

    def _passed(self, step: str, scope: Opening) -> bool:
        """Done, or ended by a bell on it or on a sub-process round it, as far as is known in this scope."""
        if step not in self.entered.get(self._turn_round(scope), ()):
            return False
        ended = [step]
        while self.graph.home[ended[-1]]:
            ended.append(self.graph.home[ended[-1]])
        return step in self._known(scope) or any(b.interrupting and b.task in ended for b in self.graph.bells)

    def _way(self, step: str, opening: Opening | None) -> Way | None:
        round_it = [step]
        while self.graph.home[round_it[-1]]:
            round_it.append(self.graph.home[round_it[-1]])
        floors: dict[str, tuple[Opening, Opening | None]] = {"": (self.case, None)}
        while opening is not None and opening is not self.case:
            scope = self._scope(opening)
            if opening.turn is None:
                floors[scope.task] = (scope, opening)
            opening = scope
        element = next(each for each in round_it if self.graph.home[each] in floors)
        scope, own = floors[self.graph.home[element]]
        aside = "" if own is None else own.aside
        while element != step:
            inner = [s for s in self.subs if s.scope is scope and s.aside == aside and s.task == element]
            if len(inner) != 1:
                break
            if element in self.graph.many:
                return None  # nobody can say which turn is meant
            scope, own, element = inner[0], None, round_it[round_it.index(element) - 1]
        line = "" if aside == scope.aside else aside.rpartition("/")[2]
        place = self.graph.places[element]
        here = [each for each in self._here(scope, aside) if each.task == element]
        if place.line != line or here:
            return None
        for depth in range(len(place.path), 0, -1):
            split, join, _ = place.path[depth - 1]
            inside = any(split in [b[0] for b in self._path(each.task)] for each in self._here(scope, aside))
            if inside or any(edge.target == join and aside in w for edge, w in scope.at_join.items()):
                return Way(step, element, scope, aside, own, place.path[:depth], place.path[depth:])
        return Way(step, element, scope, aside, own, (), place.path)

    def _path(self, node: str) -> Path:
        return self.graph.places[node].path

    def _here(self, scope: Opening, aside: str) -> list[Opening]:
        return [each for each in self.openings + self.subs if each.scope is scope and each.aside == aside]

    def _cleared(self, way: Way) -> list[Opening]:
        branch = way.cleared
        here = self._here(way.scope, way.aside)
        return [each for each in here if self._path(each.task)[: len(branch)] == branch]

    def _fetched(self, way: Way) -> list[Edge]:
        branch = way.cleared
        return [
            edge
            for edge, waiting in way.scope.at_join.items()
            for aside in waiting
            if aside == way.aside and self._arrival(edge)[: len(branch)] == branch
        ]

    def _arrival(self, edge: Edge) -> Path:
        return self._path(edge.source)[: len(self._path(edge.target)) + 1]

    def _turn(self, edge: Edge, split: str) -> int | None:
        found = [turn for each, _, turn in self._path(edge.source) if each == split]
        return found[0] if found else None

    def _remove(self, opening: Opening) -> None:
        if opening in self.subs:
            self._empty(opening)
            self.subs.remove(opening)
        else:
            self.openings.remove(opening)

    def _forget_votes(self, gone: list[Opening]) -> None:
        """What was said on a step of several people that ends undecided does not count any more."""
        for each in self.openings:
            if each.task in self.graph.many and (each in gone or any(each.lies_in(sub) for sub in gone)):
                self._known(each.scope).pop(each.task, None)

    def _end(self, scope: Opening, aside: str) -> None:
        def ends(each: str) -> bool:
            return each == aside or each.startswith(f"{aside}/")

        ending = [each for each in self.openings + self.subs if each.scope is scope and ends(each.aside)]
        self._forget_votes(ending)
        for opening in ending:
            self._remove(opening)
        for waiting in scope.at_join.values():
            waiting[:] = [each for each in waiting if not ends(each)]

    def _reach(self, begin: list[str], not_past: str = "") -> set[str]:
        found, waiting = set(begin), [node for node in begin if node != not_past]
        while waiting:
            for target in self._ahead(waiting.pop()):
                if target not in found and target != not_past:
                    found.add(target)
                    waiting.append(target)
        return found

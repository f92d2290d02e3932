"""Returns played with counters: where branches begin and end is known from whoever drew the diagram.

It shares no code with the engine and analyses nothing: `Graph.homes` says in which branches a node was drawn.
"""

from dataclasses import dataclass

from tests.engine.token_game import Bell, Edge, Graph, Opening, TokenGame

Path = tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Way:
    """One return: the branch that is cleared, and the closed blocks to be entered on the way to the step."""

    step: str
    cleared: Path
    closed: Path


class ReturnGame(TokenGame):
    """A token game in which people also go back."""

    def __init__(self, graph: Graph) -> None:
        self.passed: set[str] = set()
        self.entered: set[str] = set()
        self.fired: dict[str, int] = {}
        super().__init__(graph)

    def complete(self, opening: Opening, outcome: str) -> None:
        """A step that was done can be returned to."""
        self.passed.add(opening.task)
        super().complete(opening, outcome)

    def ways(self, opening: Opening | None) -> dict[str, Way]:
        """Step → how to go back to it, for every step this task may go back to."""
        line = "" if opening is None else opening.aside
        timed = {bell.task for bell in self.graph.bells if bell.interrupting}
        found = {}
        for step in self.passed | (timed & self.entered):
            home = self.graph.homes[step]
            if home.line != line or any(each.task == step and each.aside == line for each in self.openings):
                continue
            way = self._way(step, line)
            standing = [each.task for each in self._cleared(way.cleared, line)]
            standing += [edge.target for edge in self._fetched(way.cleared, line)]
            if self._reach([step]) & set(standing) or not self.alive(line):
                found[step] = way
        return found

    def ring(self, opening: Opening, bell: Bell) -> None:
        """Several firings of one bell may be under way at once."""
        if not bell.interrupting:
            self.fired[bell.name] = self.fired.get(bell.name, 0) + 1 if self.alive(bell.name) else 1
        super().ring(opening, bell)

    def alive(self, line: str) -> bool:
        """Whether anything of a line is still there."""
        return any(each.aside == line for each in self.openings) or any(
            line in waiting for waiting in self.at_join.values()
        )

    def mixed(self, line: str) -> bool:
        """Whether several firings of one bell may be under way."""
        return bool(line) and self.fired[line] > 1

    def go_back(self, way: Way, line: str, block: int | None) -> None:
        """`block`: which of the closed blocks starts anew; None: only this branch of all of them."""
        gone, fetched = self._cleared(way.cleared, line), self._fetched(way.cleared, line)
        begin = way.step if block is None else way.closed[block][0]
        again = {way.step, *(each.task for each in gone), *(edge.target for edge in fetched)}
        again |= {node for node in self._reach([begin]) if self._reach([node]) & again}
        for opening in gone:
            self.openings.remove(opening)
        for edge in fetched:
            self.at_join[edge].remove(line)
        for bell in [bell for bell in self.graph.bells if bell.ends and bell.task in again]:
            if self.graph.homes[bell.name].line == line:
                self._end(bell)
        for split, join, turn in way.closed[:block]:
            for edge in self.graph.edges:
                if edge.target == join and self._turn(edge, split) != turn:
                    self.at_join.setdefault(edge, []).append(line)
        if block is None:
            self._open(way.step, line)
        else:
            self._leave(begin, line)

    def _open(self, task: str, aside: str) -> None:
        self.entered.add(task)
        super()._open(task, aside)

    # -- below ---------------------------------------------------------------------------------------

    def _way(self, step: str, line: str) -> Way:
        path = self.graph.homes[step].path
        for depth in range(len(path), 0, -1):
            split, join, _ = path[depth - 1]
            inside = any(
                split in [each[0] for each in self.graph.homes[opening.task].path]
                for opening in self.openings
                if opening.aside == line
            )
            if inside or any(edge.target == join and line in w for edge, w in self.at_join.items()):
                return Way(step, path[:depth], path[depth:])
        return Way(step, (), path)

    def _cleared(self, branch: Path, line: str) -> list[Opening]:
        return [
            each
            for each in self.openings
            if each.aside == line and self.graph.homes[each.task].path[: len(branch)] == branch
        ]

    def _fetched(self, branch: Path, line: str) -> list[Edge]:
        return [
            edge
            for edge, waiting in self.at_join.items()
            for aside in waiting
            if aside == line and self._arrival(edge)[: len(branch)] == branch
        ]

    def _arrival(self, edge: Edge) -> Path:
        path = self.graph.homes[edge.target].path
        return self.graph.homes[edge.source].path[: len(path) + 1]

    def _turn(self, edge: Edge, split: str) -> int | None:
        found = [turn for each, _, turn in self.graph.homes[edge.source].path if each == split]
        return found[0] if found else None

    def _end(self, bell: Bell) -> None:
        lines = {bell.name}
        for other in self.graph.bells:  # drawn in order: what hangs on a side line comes later or is known
            if self.graph.homes[other.name].line in lines and not other.interrupting:
                lines.add(other.name)
        self.openings = [each for each in self.openings if each.aside not in lines]
        for waiting in self.at_join.values():
            waiting[:] = [aside for aside in waiting if aside not in lines]

    def _reach(self, begin: list[str]) -> set[str]:
        found, waiting = set(begin), list(begin)
        while waiting:
            node = waiting.pop()
            ahead = [edge.target for edge in self.graph.edges if edge.source == node]
            ahead += [bell.name for bell in self.graph.bells if bell.interrupting and bell.task == node]
            for target in ahead:
                if target not in found:
                    found.add(target)
                    waiting.append(target)
        return found

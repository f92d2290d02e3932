"""What the rows of a table cover together: rules that overlap, values no rule takes, rules never reached.

Every finding is proven by literal cells; a cell with a question counts in the table's favour. The search is
bounded: what would take too long is left to the run time, which refuses two matching rules anyway.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.engine.check.words import Named
from app.engine.decisions.axes import Axis, Place, axis_of_columns
from app.engine.decisions.dmn import Rule
from app.engine.decisions.report import Report
from app.engine.decisions.tables import Table
from app.engine.decisions.values import Kind
from app.engine.functions import HANDED

MOST_PAIRS = 3_000_000
MOST_STEPS = 1_000_000
MOST_GAPS = 3
MOST_OVERLAPS = 30


def check_coverage(table: Table, report: Report) -> None:
    """Findings dmn-overlap, dmn-rule-unreachable and dmn-gap about one compiled table."""
    axes = []
    inputs = _inputs(table)
    for places in inputs:
        axis = axis_of_columns(
            table.columns[places[0]], [[row[place] for place in places] for row in table.rows]
        )
        if axis is None:
            return
        axes.append(axis)
    policy = table.written.policy
    empty = _check_empty(table, axes, report)
    if policy == "FIRST":
        _check_reached(table, axes, report, empty)
    if not _independent(table, inputs):
        return  # what looks like a case may not exist
    if policy in ("UNIQUE", "ANY"):
        _check_overlap(table, axes, report)
    if not any(result.default is not None for result in table.results):
        _check_gaps(table, axes, report)


def _inputs(table: Table) -> list[list[int]]:
    """The columns grouped by what they ask: amount from, amount to is one input."""
    groups: dict[tuple[str, Kind | None], list[int]] = {}
    for place, column in enumerate(table.columns):
        groups.setdefault((column.expression.text, column.kind), []).append(place)
    return list(groups.values())


def _independent(table: Table, inputs: Sequence[Sequence[int]]) -> bool:
    """Whether no two inputs are computed from the same data."""
    seen: set[str] = set()
    for places in inputs:
        expression = table.columns[places[0]].expression
        uses = expression.names | {call.name for call in expression.calls if call.name in HANDED}
        if uses & seen:
            return False
        seen |= uses
    return True


def _check_empty(table: Table, axes: Sequence[Axis], report: Report) -> set[int]:
    """Rules with a cell that nothing can satisfy."""
    empty: set[int] = set()
    for number, rule in enumerate(table.written.rules):
        for axis in axes:
            if not axis.cells[number] and not axis.asked >> number & 1:
                empty.add(number)
                _unreachable(
                    table,
                    rule,
                    report,
                    f"永远不会成立：没有任何值能满足输入“{axis.label}”这一格。",
                    f'never matches: nothing can satisfy its input "{axis.label}".',
                )
                break
    return empty


def _unreachable(table: Table, rule: Rule, report: Report, zh: str, en: str) -> None:
    written = table.written
    report.error(
        "dmn-rule-unreachable",
        rule.id,
        rule.line,
        f"{written.named.zh} 的{rule.named.zh} {zh}",
        f"{written.named.en}: {rule.named.en} {en}",
    )


def _check_overlap(table: Table, axes: Sequence[Axis], report: Report) -> None:
    """Pairs of rules that one set of values satisfies; under ANY only those whose results differ."""
    ordered = sorted(axes, key=lambda axis: sum(cell.bit_count() for cell in axis.cells))
    rows = list(zip(*(axis.cells for axis in ordered), strict=True))
    differ = table.written.policy == "ANY"
    left, told = MOST_PAIRS, 0
    for later, row in enumerate(rows):
        for earlier in range(later):
            for first, second in zip(rows[earlier], row, strict=True):
                left -= 1
                if not first & second:
                    break
            else:
                if not differ or _results_differ(table, earlier, later):
                    _tell_overlap(table, axes, earlier, later, report)
                    told += 1
                    break
        if left < 0 or told >= MOST_OVERLAPS:
            return


def _results_differ(table: Table, first: int, second: int) -> bool:
    """Whether two rules give different literals; an expression may turn out the same."""
    return any(
        one.expression is None and other.expression is None and one.value != other.value
        for one, other in zip(table.outputs[first], table.outputs[second], strict=True)
    )


def _tell_overlap(table: Table, axes: Sequence[Axis], earlier: int, later: int, report: Report) -> None:
    written = table.written
    first, second = written.rules[earlier], written.rules[later]
    case = _said((axis, axis.example(axis.cells[earlier] & axis.cells[later])) for axis in axes)
    zh = "，而 UNIQUE 只允许一条规则。请改成互不重叠，或改用 FIRST。"
    en = "UNIQUE allows one rule: make them disjoint, or use FIRST."
    if written.policy == "ANY":
        zh = "，结果却不同，而 ANY 要求相同。请改成互不重叠。"
        en = "Their results differ, and ANY wants equal ones."
    gap = " " if case.zh[-1].isascii() else ""
    report.error(
        "dmn-overlap",
        second.id,
        second.line,
        f"{written.named.zh} 的{first.named.zh} 和{second.named.zh} 在{case.zh}{gap}时都成立{zh}",
        f"{written.named.en}: {first.named.en} and {second.named.en} both match when {case.en}. {en}",
    )


def _said(chosen: Iterator[tuple[Axis, Place]] | Sequence[tuple[Axis, Place]]) -> Named:
    """“级别”为 "一般"、“天数”大于 3; columns whose cells say nothing are left out."""
    telling = [(axis, place) for axis, place in chosen if axis.says_something]
    return Named(
        "、".join(f"“{axis.label}”{place.named.zh}" for axis, place in telling) or "任何情况下",
        " and ".join(f'"{axis.label}" {place.named.en}' for axis, place in telling) or "always",
    )


def _check_reached(table: Table, axes: Sequence[Axis], report: Report, empty: set[int]) -> None:
    """Under FIRST: rules whose every case an earlier one takes."""
    unsure = 0
    for axis in axes:
        unsure |= axis.asked
    search = _Search(axes)
    rules = table.written.rules
    for number, rule in enumerate(rules):
        earlier = ((1 << number) - 1) & ~unsure
        if search.exhausted:
            return
        if number in empty or not earlier:
            continue
        boxes = [axis.cells[number] or axis.every for axis in axes]
        if search.uncovered(boxes, earlier, 1, sure=True) or search.exhausted:
            continue
        cover = next(
            (
                Named(f"{each.named.zh} ", f"{each.named.en} covers")
                for place, each in enumerate(rules[:number])
                if earlier >> place & 1
                and all(box & ~axis.cells[place] == 0 for box, axis in zip(boxes, axes, strict=True))
            ),
            Named("前面几条规则合起来", "the rules before it together cover"),
        )
        _unreachable(
            table,
            rule,
            report,
            f"永远轮不到：{cover.zh}已经包含它的全部情况。请删去，或移到前面。",
            f"is never reached: {cover.en} all of it. Delete it or move it up.",
        )


def _check_gaps(table: Table, axes: Sequence[Axis], report: Report) -> None:
    """Values for which surely no rule matches; only columns whose values are known are demanded."""
    known = [axis for axis in axes if axis.enumerable and axis.refuses_some]
    search = _Search(known)
    boxes = [axis.every ^ axis.absent for axis in known]  # nothing filled in may well have no rule
    gaps = search.uncovered(boxes, (1 << len(table.rows)) - 1, MOST_GAPS, sure=False) if known else []
    if not gaps:
        return
    written = table.written
    cases = [_said([(axis, place) for axis, place in zip(known, gap, strict=False) if place]) for gap in gaps]
    more = Named("；等等", "; and more") if len(gaps) == MOST_GAPS else Named("", "")
    report.warning(
        "dmn-gap",
        written.id,
        written.line,
        f"{written.named.zh} 有的情况没有规则：{'；'.join(case.zh for case in cases)}{more.zh}。"
        "请补上规则，或在表头写明允许的值。",
        f"{written.named.en} has no rule when {'; '.join(case.en for case in cases)}{more.en}. "
        "Add a rule, or list the allowed values in the head.",
    )


class _Search:
    """Looks for combinations of places that no rule of a set takes; gives up after so many steps."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        self.axes = axes
        self.left = MOST_STEPS

    @property
    def exhausted(self) -> bool:
        """Whether it gave up; then what it has not found may still be there."""
        return self.left < 0

    def uncovered(
        self, boxes: Sequence[int], rules: int, most: int, sure: bool
    ) -> list[tuple[Place | None, ...]]:
        """Up to `most` combinations within the boxes; a place is None where its column does not matter."""
        groups: list[list[tuple[int, Place]]] = []
        always: list[int] = []
        for axis, box in zip(self.axes, boxes, strict=True):
            alike: dict[int, Place] = {}
            throughout = rules
            for place in axis.among(box):
                mask = (place.sure if sure else place.maybe) & rules
                alike.setdefault(mask, place)
                throughout &= mask
            self.left -= box.bit_count()
            groups.append(list(alike.items()))
            always.append(throughout)
        for at in range(len(always) - 2, -1, -1):
            always[at] &= always[at + 1]
        found: list[tuple[Place | None, ...]] = []
        self._walk(groups, always, (), rules, most, found, set())
        return found

    def _walk(
        self,
        groups: Sequence[Sequence[tuple[int, Place]]],
        always: Sequence[int],
        chosen: tuple[Place | None, ...],
        rules: int,
        most: int,
        found: list[tuple[Place | None, ...]],
        covered: set[tuple[int, int]],
    ) -> None:
        at = len(chosen)
        if self.left < 0 or len(found) >= most:
            return
        if not rules:
            found.append(chosen)
            return
        if at == len(groups) or rules & always[at] or (at, rules) in covered:
            return
        before = len(found)
        for mask, place in groups[at]:
            self.left -= 1
            told = place if len(groups[at]) > 1 or not mask & rules else None
            self._walk(groups, always, (*chosen, told), rules & mask, most, found, covered)
        if len(found) == before:
            covered.add((at, rules))

"""A compiled decision table, and what it gives to the tables that require it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.engine.decisions import dmn
from app.engine.decisions.columns import Column, Columns, Result, Vocabulary, resolved
from app.engine.decisions.index import Index, build_index
from app.engine.decisions.outputs import Output
from app.engine.decisions.report import Report
from app.engine.decisions.spans import Test
from app.engine.decisions.values import DATA_OF_KIND, TYPE_REFS

LISTS = ("RULE ORDER", "OUTPUT ORDER", "COLLECT")


@dataclass(frozen=True)
class Table:
    """Shared by threads, never changed; `rows` are the tests and `outputs` the results of each rule."""

    written: dmn.Table
    columns: tuple[Column, ...]
    results: tuple[Result, ...]
    rows: tuple[tuple[Test, ...], ...]
    outputs: tuple[tuple[Output, ...], ...]
    requires: tuple[str, ...]
    index: Index = field(repr=False)
    has_questions: bool

    @property
    def id(self) -> str:
        """The decision's id."""
        return self.written.id

    @property
    def gives_lists(self) -> bool:
        """Whether several rules may each give a row."""
        return self.written.policy in LISTS and not self.written.aggregation


def given_by(table: dmn.Table, types: Mapping[str, str]) -> dict[str, str]:
    """The names a table's outputs have in the decisions that require it, with their type words.

    Each output by its name; an only output also by the decision's variable or id. A policy with several
    results gives lists.
    """
    several = table.policy in LISTS and not table.aggregation
    words = {}
    for output in table.outputs:
        kind = TYPE_REFS.get(resolved(output.type_ref, types))
        word = "list" if several else "decimal" if table.aggregation == "COUNT" else DATA_OF_KIND[kind]
        words[output.name] = word
    for name in other_names(table):
        words.setdefault(name, words[table.outputs[0].name])
    return words


def other_names(table: dmn.Table) -> tuple[str, ...]:
    """The names an only output has beside its own."""
    if len(table.outputs) != 1:
        return ()
    return tuple(name for name in (table.variable, table.id) if name.isidentifier())


def compile_table(
    table: dmn.Table, types: Mapping[str, str], words: Vocabulary, requires: tuple[str, ...], report: Report
) -> Table | None:
    """The compiled table, or None when something in it was told to `report`."""
    told = report.count
    columns = Columns(table, types, words, report)
    inputs = [columns.input(place) for place in range(len(table.inputs))]
    outputs = [columns.output(place) for place in range(len(table.outputs))]
    if report.count != told:
        return None
    read = [each for each in inputs if each is not None]
    rows = tuple(zip(*(tests for _, tests in read), strict=True))
    bare = tuple(replace(rule, tests=(), results=()) for rule in table.rules)  # the texts are compiled now
    return Table(
        written=replace(table, rules=bare),
        columns=tuple(column for column, _ in read),
        results=tuple(result for result, _ in outputs),
        rows=rows,
        outputs=tuple(zip(*(cells for _, cells in outputs), strict=True)),
        requires=requires,
        index=build_index(rows, len(read)),
        has_questions=any(test.asks for row in rows for test in row),
    )

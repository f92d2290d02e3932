"""The arrows between decisions of one file: what each requires, without cycles, at most five deep."""

from __future__ import annotations

from collections.abc import Mapping

from app.engine.check.words import meant, plain
from app.engine.decisions import dmn
from app.engine.decisions.columns import Vocabulary
from app.engine.decisions.report import Report
from app.engine.decisions.tables import Table, compile_table, given_by

DEEPEST = 5
REQUIREMENT = "dmn-requirement"


def compile_file(file: dmn.File, words: Vocabulary, report: Report) -> dict[str, Table]:
    """Every table of a file that is in order, each after those it requires."""
    written = {table.id: table for table in file.tables}
    requires = {table.id: _named(table, written, file, report) for table in file.tables}
    compiled: dict[str, Table] = {}
    for identifier in _in_order(written, requires, report):
        table = written[identifier]
        given: dict[str, str] = {}
        for required in requires[identifier]:
            for name, word in given_by(written[required], file.types).items():
                if name in given:
                    report.error(
                        REQUIREMENT,
                        table.id,
                        table.line,
                        f"{table.named.zh} 引用的两个决策都给出 {name}；请改其中一个输出的名称。",
                        f"{table.named.en} requires two decisions that both give {name}. Rename one output.",
                    )
                given[name] = word
        done = compile_table(table, file.types, words.with_required(given), requires[identifier], report)
        if done is not None:
            compiled[identifier] = done
    return compiled


def _named(
    table: dmn.Table, written: Mapping[str, dmn.Table], file: dmn.File, report: Report
) -> tuple[str, ...]:
    """The ids of the decisions a table requires, in the order drawn, each once."""
    found = []
    for reference in dict.fromkeys(table.requires):
        name = reference.removeprefix("#")
        if name in written and reference.startswith("#"):
            found.append(name)
        elif name not in file.every:
            hint = meant(name, written, "本文件中", "this file has")
            report.error(
                REQUIREMENT,
                table.id,
                table.line,
                f"{table.named.zh} 引用了决策 {plain(name) or '（空）'}，本文件中没有；{hint.zh}",
                f"{table.named.en} requires {plain(name)}, which is not in this file; {hint.en}",
            )
    return tuple(found)


def _in_order(
    written: Mapping[str, dmn.Table], requires: Mapping[str, tuple[str, ...]], report: Report
) -> list[str]:
    """The tables, required ones first; those in a cycle or too far up are told and left out."""
    depth: dict[str, int] = {}
    waiting = dict(requires)
    while ready := [each for each, needs in waiting.items() if all(need in depth for need in needs)]:
        for each in ready:
            depth[each] = max((depth[need] + 1 for need in waiting.pop(each)), default=0)
    for each in waiting:
        chain = _cycle(each, waiting)
        if chain is None:
            continue  # only leans on a cycle
        named = written[each].named
        report.error(
            REQUIREMENT,
            each,
            written[each].line,
            f"{named.zh} 经过几步又引用到自己：{' → '.join(chain)}。请去掉其中一条连线。",
            f"{named.en} requires itself: {' → '.join(chain)}. Remove one of the links.",
        )
    for each, levels in depth.items():
        if levels > DEEPEST:
            named = written[each].named
            report.error(
                REQUIREMENT,
                each,
                written[each].line,
                f"{named.zh} 一层层引用了 {levels} 层决策，最多 {DEEPEST} 层。",
                f"{named.en} requires decisions {levels} levels deep, at most {DEEPEST}.",
            )
    return [each for each in depth if depth[each] <= DEEPEST]


def _cycle(start: str, requires: Mapping[str, tuple[str, ...]]) -> list[str] | None:
    """The shortest way from a decision back to itself."""
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:  # grows while it is walked; each decision enters once
        for need in requires.get(way[-1], ()):
            if need == start:
                return [*way, start]
            if need not in seen:
                seen.add(need)
                ways.append([*way, need])
    return None

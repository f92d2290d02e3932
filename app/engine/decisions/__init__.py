"""Decision tables: DMN files compiled once, asked by id, checked before they are published."""

from __future__ import annotations

from collections.abc import Mapping

from app.engine import xml
from app.engine.check.finding import Finding
from app.engine.decisions import dmn, structure
from app.engine.decisions.check import check_decisions, read_tables, refusal
from app.engine.decisions.columns import Vocabulary
from app.engine.decisions.decide import Decision, Decisions, Hit, map_result
from app.engine.decisions.errors import (
    DecisionFailed,
    DecisionsUnreadable,
    NoRuleMatches,
    NoSuchDecision,
    NotUnique,
    OutputsDiffer,
    ResultDoesNotFit,
)
from app.engine.decisions.report import Report
from app.engine.decisions.tables import Table

__all__ = [
    "Decision",
    "DecisionFailed",
    "Decisions",
    "DecisionsUnreadable",
    "Hit",
    "NoRuleMatches",
    "NoSuchDecision",
    "NotUnique",
    "OutputsDiffer",
    "ResultDoesNotFit",
    "check_decisions",
    "compile_decisions",
    "map_result",
    "written_tables",
]


def compile_decisions(files: Mapping[str, bytes]) -> Decisions:
    """The tables of all .dmn files of a bundle, by file name. Raises DecisionsUnreadable.

    Names are not checked again: that was done by `check_decisions` before publishing.
    """
    tables: dict[str, Table] = {}
    for name, data in sorted(files.items()):
        report = Report(name)
        try:
            read = read_tables(name, data, Vocabulary(), report)
        except xml.XmlRefused as refused:
            raise _unreadable(refusal(name, refused)) from None
        for found in report.findings():
            if found.level == "error":
                raise _unreadable(found)
        for identifier, table in read.items():
            if identifier in tables:
                raise DecisionsUnreadable(
                    f"（{name}：决策 {identifier} 在另一个文件里已经有了）", element=identifier
                )
            tables[identifier] = table
    return Decisions(tables)


def written_tables(data: bytes) -> Mapping[str, dmn.Table]:
    """The tables of one file as they are written, by id: labels, and the text of every cell.

    Raises DecisionsUnreadable.
    """
    try:
        return {table.id: table for table in structure.read_file(xml.read(data), Report("")).tables}
    except xml.XmlRefused as refused:
        raise _unreadable(refusal("", refused)) from None


def _unreadable(found: Finding) -> DecisionsUnreadable:
    return DecisionsUnreadable(f"（{found.file}：{found.zh}）", element=found.element)

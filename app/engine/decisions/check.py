"""The linter for decision tables: all that is wrong with a file, in plain words."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from app.engine import xml
from app.engine.check.finding import Finding
from app.engine.decisions import structure
from app.engine.decisions.columns import Vocabulary
from app.engine.decisions.coverage import check_coverage
from app.engine.decisions.report import Report
from app.engine.decisions.requirements import compile_file
from app.engine.decisions.tables import Table
from app.engine.source import Names

# The gate's sentences speak of diagrams.
_FOR_TABLES = (
    ("流程图", "决策表文件"),
    ("请拆成几个流程", "请拆成几个文件"),
    ("A diagram needs", "A decision file needs"),
    ("Split the process", "Split the file"),
)


def check_decisions(
    name: str, data: bytes, names: Names, choices: Mapping[str, Collection[str]] | None = None
) -> list[Finding]:
    """All findings about one .dmn file, top first; empty when it may be published as it is.

    `choices` are the values a declared choice may take. Never raises: what the linter itself stumbles over
    is an error finding. Runs nothing of the file.
    """
    report = Report(name)
    try:
        for table in read_tables(name, data, Vocabulary(names.data, choices or {}), report).values():
            check_coverage(table, report)
    except xml.XmlRefused as refused:
        return [refusal(name, refused)]
    except Exception as error:  # a table nobody thought of must not become a stack trace on the page
        kind = type(error).__name__
        report.error(
            "dmn-check-failed",
            None,
            None,
            f"检查程序没能读懂这个决策表文件（{kind}）。请把文件交给管理员。",
            f"the linter could not read this decision file ({kind}). Hand it to an administrator.",
        )
    return report.findings()


def read_tables(name: str, data: bytes, words: Vocabulary, report: Report) -> dict[str, Table]:
    """The compiled tables of one file; what is wrong is told to `report`. Raises XmlRefused."""
    return compile_file(structure.read_file(xml.read(data), report), words, report)


def refusal(name: str, refused: xml.XmlRefused) -> Finding:
    """The gate's refusal, in words that fit a table."""
    zh, en = refused.zh, refused.en
    for before, after in _FOR_TABLES:
        zh, en = zh.replace(before, after), en.replace(before, after)
    return Finding("error", refused.rule, name, refused.line, None, zh, en)

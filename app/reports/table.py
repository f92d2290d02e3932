"""A report as a CSV table that a spreadsheet opens: no cell of it is ever a formula."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

from app.reports import numbers
from app.reports.dimensions import FACT, LABELS, declared
from app.reports.service import Figures, name_of

BOM = "\ufeff"
"""Tells a spreadsheet that the text is UTF-8."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table(found: Figures) -> str:
    """One line a group and one for the total, three columns a measure."""
    lines = StringIO()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow([*(_label(found, each) for each in found.by), *_heads(found)])
    for row in found.rows if found.by else ():
        names = [name_of(found, each, row[each]) for each in found.by]
        writer.writerow([*map(_plain, names), *_cells(found, row)])
    writer.writerow([*["合计"][: len(found.by)], *[""] * (len(found.by) - 1), *_cells(found, found.total)])
    return BOM + lines.getvalue()


def _label(found: Figures, name: str) -> str:
    return declared(found.report, name).label if name.startswith(FACT) else LABELS[name]


def _heads(found: Figures) -> Iterator[str]:
    for measure in found.report.measures.values():
        label = _plain(measure.label)
        yield from (
            f"{label}（分子）",
            f"{label}（分母）",
            f"{label}（%）" if measure.unit == "rate" else label,
        )


def _cells(found: Figures, sums: dict[str, Any]) -> Iterator[Any]:
    for measure in found.report.measures.values():
        each = numbers.number(measure, sums)
        yield from (
            each["numerator"],
            each["denominator"],
            each["percent" if measure.unit == "rate" else "value"],
        )


def _plain(text: str) -> str:
    """A text that begins like a formula is shown as text."""
    return f"'{text}" if text.startswith(_FORMULA) else text

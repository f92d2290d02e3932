"""A report as people read it: a brief in words, each number the one that the report shows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.cases.motion import Row
from app.reports import numbers
from app.reports.dimensions import FACT, LABELS, declared
from app.reports.measures import Measure
from app.reports.service import Figures, name_of

MOST_GROUPS, MOST_CASES = 5, 50
"""Groups of a paragraph, and cases named in the list."""
HOURS = "duration"


def written(found: Figures, listed: Measure | None, behind: Sequence[Row]) -> str:
    """Paragraphs: all measures with what the period before had, the largest groups, the cases of `listed`."""
    return "\n".join([*_overall(found), *_groups(found), *_list(listed, behind)])


def _overall(found: Figures) -> Iterator[str]:
    asked = found.asked
    yield f"{asked.first.isoformat()} 至 {asked.last.isoformat()}，{found.report.label}情况如下。"
    before = found.before_total or {}
    for measure in found.report.measures.values():
        now = numbers.number(measure, found.total)
        change = _change(measure, numbers.changed(now, numbers.number(measure, before)))
        yield f"{measure.label}：{_value(measure, now)}{change}。"


def _groups(found: Figures) -> Iterator[str]:
    counts = [each for each in found.report.measures.values() if each.unit == "count"]
    if not found.by or not counts or not found.rows:
        return
    first = counts[0]
    ordered = sorted(found.rows, key=lambda row: -numbers.number(first, row)["numerator"])
    named = [f"{_name(found, row)} {_value(first, numbers.number(first, row))}" for row in ordered]
    label = "、".join(_label(found, each) for each in found.by)
    more = f"等 {len(named)} 类" if len(named) > MOST_GROUPS else ""
    yield f"按{label}，{first.label}最多的：{'，'.join(named[:MOST_GROUPS])}{more}。"


def _list(listed: Measure | None, behind: Sequence[Row]) -> Iterator[str]:
    if listed is not None:
        named = "、".join(row["number"] for row in behind[:MOST_CASES]) or "没有"
        more = "等" if len(behind) > MOST_CASES else ""
        yield f"{listed.label}的：{named}{more}。"


def _value(measure: Measure, found: Mapping[str, Any]) -> str:
    if measure.unit == "rate":
        parts = f"（{found['numerator']}/{found['denominator']}）"
        return "没有可算的" if found["percent"] is None else f"{found['percent']:g}%{parts}"
    if found["value"] is None:
        return "没有可算的"
    return f"{found['value']:g}{ {'count': ' 件', HOURS: ' 小时', 'score': ' 分'}.get(measure.unit, '') }"


def _change(measure: Measure, change: Mapping[str, Any]) -> str:
    by = change["by"]
    if change["says"] is not None:
        return f"，{change['says']}"
    if by is None or (by == 0 and change["percent"] is None):
        return ""
    if by == 0:
        return "，与上期持平"
    word = "上升" if by > 0 else "下降"
    if measure.unit == "rate":
        return f"，比上期{word} {abs(round(100 * by, 2)):g} 个百分点"
    return f"，比上期{word} {abs(change['percent']):g}%"


def _name(found: Figures, row: Row) -> str:
    return "、".join(name_of(found, each, row[each]) for each in found.by)


def _label(found: Figures, name: str) -> str:
    return declared(found.report, name).label if name.startswith(FACT) else LABELS[name]

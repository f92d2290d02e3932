"""Why a number differs from a frozen one: told from the rows, the reason that lies deepest first."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from app.cases.requests.models import case_requests
from app.clocks.models import clock_ledger, clocks
from app.core.db import Session
from app.reports import frozen, query
from app.reports.measures import Report
from app.reports.members import Member, Part
from app.reports.models import counted_cases

CAUSES = {
    "late": "后来才有的办件",
    "moved": "改由别的单位承办，或改了发生地",
    "exclusion": "剔除，或恢复计入",
    "hold": "挂账，或恢复",
    "definition": "口径或权重改了",
    "calendar": "工作日历换了版，到期时刻重新算过",
    "progress": "冻结以后又办理了",
    "points": "加分、扣分后来有增减",
    "value": "各件自己的数后来改了",
    "parts": "随合成它的比率而变",
}
Cause = Callable[[Part, str | None], str]
"""Part of a measure, and a case that came or went (none: of its numbers alone) → a key of CAUSES."""
Recounted = Mapping[str, set[str]]
"""Case → the names of its clocks that another calendar moved."""
_CLOCKS = re.compile(r'\b(?:met|late|overdue|reached|holds)\("([^"]+)"')
_REQUESTS = re.compile(r"\b(?:answered|unanswered)\(")
_OF_A_REQUEST = ""
"""Stands for the clocks of what was asked for beside a case, under the names of the case's own."""


def told_from(
    kept: frozen.Frozen,
    report: Report,
    now: Sequence[Member],
    then_asked: Sequence[Member],
    recounted: "Recounted",
) -> Cause:
    """`now` are the cases as today's definitions count them, `then_asked` as those of the frozen month do.

    What came or went is of the definition where the old one gives today what it gave then; of the calendar
    where a clock that the measure reads was worked out anew since.
    """
    before, after, old = ({each.id: each for each in some} for some in (kept.members, now, then_asked))
    redefined = redefinitions(kept.report, report)

    def cause(part: Part, case_id: str | None) -> str:
        measure = part[0]
        if case_id is None:
            if measure in redefined:
                return "definition"
            return "parts" if kept.report.measures[measure].weighted else "value"
        then, today = before.get(case_id), after.get(case_id)
        if then is None:
            return "late"
        if today is None or (then.unit, then.place) != (today.unit, today.place):
            return "moved"
        if measure in redefined and (part in old[case_id].parts) == (part in then.parts):
            return "definition"
        if then.excluded != today.excluded:
            return "exclusion"
        if then.held != today.held:
            return "hold"
        return "calendar" if recounted.get(case_id, set()) & _read(report, measure) else "progress"

    return cause


def recounted(session: Session, kept: frozen.Frozen, report: Report) -> Recounted:
    """The cases of the month of which a clock was worked out anew by another calendar since it was frozen."""
    of_month = select(counted_cases.c.case_id).where(*query.in_period(report, kept.month.asked))
    request = case_requests.c
    owner = func.coalesce(request.parent_id, clock_ledger.c.case_id).label("owner")
    rows = (
        select(owner, clocks.c.name, request.parent_id)
        .select_from(
            clock_ledger.join(clocks, clocks.c.id == clock_ledger.c.clock_id).outerjoin(
                case_requests, request.id == clock_ledger.c.case_id
            )
        )
        .where(
            clock_ledger.c.entry == "recounted", clock_ledger.c.at > bindparam("since"), owner.in_(of_month)
        )
    )
    found: defaultdict[str, set[str]] = defaultdict(set)
    moved: Sequence[Any] = session.execute(rows, {"since": kept.row["frozen_at"]}).all()
    for case_id, name, parent in moved:
        found[case_id].add(name if parent is None else _OF_A_REQUEST)
    return found


def redefinitions(then: Report, now: Report) -> set[str]:
    """The measures of then that mean something else now, or are there no more."""
    return {key for key in then.measures if _meaning(then, key) != _meaning(now, key)}


def _read(report: Report, measure: str) -> set[str]:
    text = str(_meaning(report, measure))
    return {*_CLOCKS.findall(text), *([_OF_A_REQUEST] if _REQUESTS.search(text) else [])}


def _meaning(report: Report, key: str) -> Any:
    """What a measure asks, in the author's words; None where it is not there."""
    process = report.bundle.process if report.bundle is not None else None
    defined = process.measures.get(key) if process is not None else None
    if process is None or defined is None:
        return None
    asked = {part: expression.text for part, expression in defined.parts.items()}
    counting = process.statistics
    held = counting.held if counting is not None else None
    return defined.unit, asked, dict(defined.weights), defined.includes, held

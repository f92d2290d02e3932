"""Statistics over HTTP: which reports there are, their numbers, and the cases behind each number."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from app.cases.motion import Row
from app.core.errors import NotFound
from app.core.http import pages
from app.core.http.api import Blueprint, sent
from app.core.http.fields import out
from app.identity.door import actor
from app.identity.permissions import REPORT_READ
from app.identity.scopes import require
from app.reports import service
from app.reports.measures import REPORTS, Measure, Report
from app.reports.query import Asked
from app.reports.schemas import CountedPage, FiguresOut, GroupsQuery, ReportCasesQuery, ReportsOut
from app.reports.service import Figures, ReportRefused, TooManyGroups

blp = Blueprint("reports", __name__, url_prefix="/api/v1/reports", description="统计")


@blp.get("")
@blp.response(200, ReportsOut())
@blp.needs(REPORT_READ)
def list_reports() -> Response:
    """有哪些统计，各有哪些指标，口径是什么、第几版。"""
    require(actor(), REPORT_READ)
    shown = [
        {"name": each.key, "label": each.label, "measures": _measures(each)} for each in REPORTS.values()
    ]
    return sent({"items": shown})


@blp.get("/<id:name>")
@blp.arguments(GroupsQuery(), location="query")
@blp.response(200, FiguresOut())
@blp.needs(REPORT_READ)
@blp.problems(NotFound, ReportRefused, TooManyGroups)
def figures(query: dict[str, Any], name: str) -> Response:
    """一张统计：期内的工单按单位、分类各有多少，分子、分母都给出；只算我管得到的，已剔除的另说件数。"""
    by = tuple(dict.fromkeys(each.strip() for each in query["by"].split(",") if each.strip()))
    return sent(_shown(service.figures(actor(), name, _asked(query), by), by))


@blp.get("/<id:name>/cases")
@blp.arguments(ReportCasesQuery(), location="query")
@blp.response(200, CountedPage())
@blp.needs(REPORT_READ)
@blp.problems(NotFound, ReportRefused)
def cases_behind(query: dict[str, Any], name: str) -> Response:
    """一个数是哪些工单：条件与统计相同，再写指标、分子还是分母、哪一组；新的在前。"""
    me, asked = actor(), _asked(query)
    view = f"report:{name}:{asked}:{query['measure']}:{query['part']}"

    def load(limit: int, after: str | None) -> list[Row]:
        return service.cases_behind(me, name, asked, query["measure"], query["part"], limit + 1, after)

    return sent(pages.of_rows(me.id, view, query, load, _counted, key="case_id"))


def _asked(query: Mapping[str, Any]) -> Asked:
    return Asked(
        query["from_"],
        query["to"],
        query["period"],
        query["process"],
        query["unit_tier"],
        query["category_level"],
        query.get("unit"),
        query.get("category"),
    )


def _shown(found: Figures, by: tuple[str, ...]) -> dict[str, Any]:
    report, asked = found.report, found.asked
    groups = [
        {
            "by": {each: {"key": row[each], "name": service.name_of(found, each, row[each])} for each in by},
            "numbers": _numbers(report, row),
        }
        for row in found.rows
    ]
    return {
        "name": report.key,
        "label": report.label,
        "at": out(found.at),
        "from": asked.first.isoformat(),
        "to": asked.last.isoformat(),
        "period": asked.period,
        "measures": _measures(report),
        "excluded": found.excluded,
        "total": _numbers(report, found.total),
        "groups": groups if by else [],
    }


def _measures(report: Report) -> list[dict[str, Any]]:
    return [
        {"key": m.key, "label": m.label, "says": m.says, "version": m.version, "share": m.of is not None}
        for m in report.measures.values()
    ]


def _numbers(report: Report, sums: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _number(each, sums) for key, each in report.measures.items()}


def _number(measure: Measure, sums: Mapping[str, Any]) -> dict[str, Any]:
    count = int(sums.get(f"{measure.key}_n") or 0)
    of = int(sums.get(f"{measure.key}_of") or 0) if measure.of is not None else None
    return {"numerator": count, "denominator": of, "percent": round(100 * count / of, 2) if of else None}


def _counted(row: Row) -> dict[str, Any]:
    moments = ("received_at", "dispatched_at", "due_at", "met_at", "closed_at")
    told = {name.replace("_at", "At"): out(row[name]) for name in moments}
    plain = ("number", "unit", "category", "state", "status", "returns", "round")
    return {
        "id": row["case_id"],
        "process": row["process_key"],
        **told,
        **{name: row[name] for name in plain},
    }

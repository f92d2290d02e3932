"""Frozen months over HTTP: which there are, their numbers, the cases behind each, and what differs now."""

from typing import Any

from flask import Response

from app.cases.motion import Row
from app.core.errors import NotFound
from app.core.http import pages
from app.core.http.api import Blueprint, sent
from app.core.http.fields import out
from app.identity.door import actor
from app.identity.permissions import REPORT_READ
from app.reports import differences, frozen
from app.reports.api import counted_out, figures_out
from app.reports.causes import CAUSES
from app.reports.differences import Compared, Difference
from app.reports.months_schemas import (
    DifferencesOut,
    FrozenCasesQuery,
    FrozenOut,
    FrozenQuery,
    MonthsOut,
)
from app.reports.query import NOBODY
from app.reports.schemas import CountedPage
from app.reports.service import ReportRefused, refuse

blp = Blueprint("report-months", __name__, url_prefix="/api/v1/reports", description="统计")


@blp.get("/<id:name>/months")
@blp.response(200, MonthsOut())
@blp.needs(REPORT_READ)
@blp.problems(NotFound)
def list_months(name: str) -> Response:
    """一个流程冻结了哪些月份，各按第几版口径、第几版工作日历。"""
    return sent({"items": [_month(row) for row in frozen.months(actor(), name)]})


@blp.get("/<id:name>/months/<id:month>")
@blp.arguments(FrozenQuery(), location="query")
@blp.response(200, FrozenOut())
@blp.needs(REPORT_READ)
@blp.problems(NotFound, ReportRefused)
def one_month(query: dict[str, Any], name: str, month: str) -> Response:
    """冻结的一个月：当时的数，以后办件怎么变、口径怎么改都不动；只算我管得到的。"""
    by = tuple(dict.fromkeys(each.strip() for each in query["by"].split(",") if each.strip()))
    if wrong := [each for each in by if each not in frozen.BY]:
        refuse("?by", "value-invalid", f"冻结的统计不能按“{wrong[0]}”分组；可以用 {'、'.join(frozen.BY)}。")
    row, found = frozen.figures(actor(), name, month, by, query["unit_tier"])
    if query["rank"] is not None and query["rank"] not in found.report.measures:
        refuse("?rank", "measure-unknown", f"没有这个指标；有 {'、'.join(found.report.measures)}。")
    return sent({**figures_out(found, query["rank"]), "frozen": _month(row)})


@blp.get("/<id:name>/months/<id:month>/cases")
@blp.arguments(FrozenCasesQuery(), location="query")
@blp.response(200, CountedPage())
@blp.needs(REPORT_READ)
@blp.problems(NotFound, ReportRefused)
def cases_behind(query: dict[str, Any], name: str, month: str) -> Response:
    """冻结的一个数当时是哪些办件；办件的状态是现在的，新的在前。"""
    only = {key: None if query[key] == NOBODY else query[key] for key in frozen.BY if query[key]}
    me, measure, part, tier = actor(), query["measure"], query["part"], query["unit_tier"]
    view = f"report:{name}:{month}:{only}:{tier}:{measure}:{part}"

    def load(limit: int, after: str | None) -> list[Row]:
        return frozen.cases_behind(me, name, month, measure, part, only, tier, limit + 1, after)

    return sent(pages.of_rows(me.id, view, query, load, counted_out, key="case_id"))


@blp.get("/<id:name>/months/<id:month>/differences")
@blp.response(200, DifferencesOut())
@blp.needs(REPORT_READ)
@blp.problems(NotFound)
def differing(name: str, month: str) -> Response:
    """冻结的一个月与现在重新算的差异：哪个单位的哪个指标，哪些办件算进来、哪些出去了，各是什么原因。"""
    return sent(_compared(differences.compare(actor(), name, month)))


def _month(row: Row) -> dict[str, Any]:
    return {
        "month": row["month"],
        "at": out(row["frozen_at"]),
        "version": row["version_number"],
        "calendar": row["calendar"],
        "digest": row["digest"],
    }


def _compared(found: Compared) -> dict[str, Any]:
    return {
        "frozen": _month(found.row),
        "at": out(found.at),
        "version": found.version,
        "calendar": found.calendar,
        "items": [_difference(each, found) for each in found.found],
    }


def _difference(each: Difference, found: Compared) -> dict[str, Any]:
    unit = None if each.unit is None else {"key": each.unit, "name": found.names.get(each.unit, each.unit)}
    return {
        "measure": each.measure,
        "label": each.label,
        "unit": unit,
        "then": _number(each.then),
        "now": None if each.now is None else _number(each.now),
        "causes": [
            {"cause": cause, "label": CAUSES[cause], "cases": count} for cause, count in each.causes.items()
        ],
        "cases": [
            {"id": one.id, "part": one.part, "came": one.came, "cause": one.cause} for one in each.moved
        ],
    }


def _number(number: Any) -> dict[str, Any]:
    return {key: number[key] for key in ("numerator", "denominator", "value", "cases")}

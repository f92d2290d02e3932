"""预计超期 over HTTP: how many cases will be late within the next hours, and which they are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Response
from marshmallow import fields

from app.cases.motion import Row
from app.core.http import pages
from app.core.http.api import Blueprint, sent
from app.core.http.fields import ListOf, Moment, QueryWhole, Schema, Shape, Text, out
from app.core.http.pages import PageOut, PageQuery
from app.identity.door import actor
from app.identity.permissions import REPORT_READ
from app.reports import forecast as asking
from app.reports.dimensions import NOBODY_ZH
from app.reports.forecast import Ahead
from app.reports.service import ReportRefused

blp = Blueprint("forecast", __name__, url_prefix="/api/v1/reports/forecast", description="预计超期")

USUAL = (24, 72)
LONGEST = 24 * 31


class AheadQuery(Schema):
    """Which clocks are looked at."""

    process = Text(60, least=1, load_default=None, metadata={"description": "只看一个流程"})
    clock = Text(60, least=1, load_default=None, metadata={"description": "只看一个时钟的名字"})
    unit = Text(60, least=1, load_default=None, metadata={"description": "算在哪个单位；- 是还没派的"})
    within = Text(
        60, least=1, load_default=None, metadata={"description": "只算发生在这个单位（编码）和它下面的"}
    )


class ForecastQuery(AheadQuery):
    """And how far ahead."""

    hours = ListOf(
        QueryWhole(1, LONGEST),
        load_default=lambda: list(USUAL),
        most=4,
        metadata={"description": "往后看几小时，可以写几个；不写是 24 和 72"},
    )


class ForecastCasesQuery(AheadQuery, PageQuery):
    """Which number is looked into."""

    hours = QueryWhole(1, LONGEST, load_default=USUAL[0], metadata={"description": "往后看几小时"})


class SoonOut(Schema):
    """How many cases within so many hours."""

    hours = fields.Integer(required=True)
    cases = fields.Integer(required=True)


class ClockSoonOut(Schema):
    """One clock of a process."""

    process = fields.String(required=True)
    clock = fields.String(required=True)
    label = fields.String(required=True)
    soon = ListOf(Shape(SoonOut), required=True)


class UnitSoonOut(Schema):
    """One responsible unit."""

    unit = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)
    soon = ListOf(Shape(SoonOut), required=True)


class ForecastOut(Schema):
    """What will be late if nobody does anything; each case once in a number."""

    at = Moment(required=True)
    total = ListOf(Shape(SoonOut), required=True)
    clocks = ListOf(Shape(ClockSoonOut), most=5000, required=True)
    units = ListOf(Shape(UnitSoonOut), most=5000, required=True)


class AheadOut(Schema):
    """A clock that will be late, with its case."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    process = fields.String(required=True)
    status = fields.String(required=True, allow_none=True)
    unit = fields.String(required=True, allow_none=True)
    clock = fields.String(required=True)
    label = fields.String(required=True)
    due_at = Moment(required=True)


class AheadPage(Schema):
    """A page of them, the first due first."""

    items = ListOf(Shape(AheadOut), required=True)
    page = Shape(PageOut, required=True)


@blp.get("")
@blp.arguments(ForecastQuery(), location="query")
@blp.response(200, ForecastOut())
@blp.needs(REPORT_READ)
@blp.problems(ReportRefused)
def forecast(query: dict[str, Any]) -> Response:
    """往后 24、72 小时里，照现在的样子会有多少件超期：按时钟、按责任单位；暂停计时的、已剔除的不算。"""
    found = asking.forecast(actor(), _ahead(query), query["hours"])

    def soon(numbers: Sequence[int]) -> list[dict[str, int]]:
        return [{"hours": h, "cases": n} for h, n in zip(found.hours, numbers, strict=True)]

    return sent(
        {
            "at": out(found.at),
            "total": soon(found.total),
            "clocks": [{**_clock(row), "soon": soon(each)} for row, each in found.rows],
            "units": [{**_unit(row), "soon": soon(each)} for row, each in found.units],
        }
    )


@blp.get("/cases")
@blp.arguments(ForecastCasesQuery(), location="query")
@blp.response(200, AheadPage())
@blp.needs(REPORT_READ)
@blp.problems(ReportRefused)
def cases_ahead(query: dict[str, Any]) -> Response:
    """往后几小时里会超期的是哪些件、哪个时钟，先到期的在前；条件与上面相同。"""
    me, ahead = actor(), _ahead(query)
    view = f"forecast:{ahead}:{query['hours']}"
    last = pages.after(me.id, view, query["after"], 2)
    after = (datetime.fromisoformat(last[0]), str(last[1])) if last else None
    rows = asking.behind(me, ahead, query["hours"], query["limit"] + 1, after)

    def keys(row: Row) -> list[str]:
        return [row["due_at"].isoformat(), row["clock_id"]]

    return sent(pages.page(rows, query["limit"], principal=me.id, view=view, keys=keys, item=_shown))


def _ahead(query: Mapping[str, Any]) -> Ahead:
    return Ahead(query["process"], query["clock"], query["unit"], query["within"])


def _clock(row: Row) -> dict[str, Any]:
    return {"process": row["process_key"], "clock": row["name"], "label": row["label"]}


def _unit(row: Row) -> dict[str, Any]:
    return {"unit": row["unit"], "name": row["called"] or row["unit"] or NOBODY_ZH["unit"]}


def _shown(row: Row) -> dict[str, Any]:
    told = {name: row[name] for name in ("id", "number", "status", "unit")}
    return {**told, **_clock(row), "dueAt": out(row["due_at"])}

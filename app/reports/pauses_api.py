"""暂停时间 over HTTP: how long cases stood still, by reason and approver, and each stretch of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Response
from marshmallow import fields

from app.core.http import pages
from app.core.http.api import Blueprint, sent
from app.core.http.fields import Day, ListOf, Moment, OneOf, Schema, Shape, Text, out
from app.core.http.pages import PageOut, PageQuery
from app.identity.door import actor
from app.identity.permissions import REPORT_READ
from app.reports import pauses
from app.reports.pauses import BY, Paused, Span, Stretch
from app.reports.schemas import Named
from app.reports.service import ReportRefused

blp = Blueprint("pauses", __name__, url_prefix="/api/v1/reports/pauses", description="统计")


class SpanQuery(Schema):
    """Which pauses."""

    from_ = Day(data_key="from", required=True, metadata={"description": "暂停开始的第一天（北京时间）"})
    to = Day(required=True, metadata={"description": "最后一天，含当天"})
    process = Text(60, least=1, load_default=None, metadata={"description": "只看一个流程"})
    within = Text(60, least=1, load_default=None, metadata={"description": "只算这个单位（编码）和它下面的"})


class PausedQuery(SpanQuery):
    """And how they are grouped."""

    by = OneOf(
        tuple(BY),
        load_default="reason",
        metadata={"description": "、".join(f"{key} {zh}" for key, zh in BY.items())},
    )


class StretchesQuery(SpanQuery, PageQuery):
    """And of which group; `-` is who has none."""

    reason = Text(2000, load_default=None)
    approver = Text(60, least=1, load_default=None)
    kind = Text(60, least=1, load_default=None)
    unit = Text(60, least=1, load_default=None)


class PausedSumOut(Schema):
    """How much stood still."""

    cases = fields.Integer(required=True, metadata={"description": "几件"})
    pauses = fields.Integer(required=True, metadata={"description": "暂停几次；同时停下的几个时钟算一次"})
    going = fields.Integer(required=True, metadata={"description": "现在还停着的几次"})
    hours = fields.Float(required=True, metadata={"description": "自然小时，还停着的算到现在"})


class PausedGroupOut(PausedSumOut):
    """The same of one group."""

    by = Shape(Named, required=True)


class PausedOut(Schema):
    """Paused time of a period."""

    at = Moment(required=True)
    total = Shape(PausedSumOut, required=True)
    groups = ListOf(Shape(PausedGroupOut), most=20_000, required=True)


class StretchOut(Schema):
    """A case stood still."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    process = fields.String(required=True)
    unit = Shape(Named, required=True)
    kind = fields.String(required=True)
    reason = fields.String(required=True)
    approver = Shape(Named, required=True)
    since = Moment(required=True)
    until = Moment(required=True, allow_none=True, metadata={"description": "还停着的没有"})
    hours = fields.Float(required=True)


class StretchPage(Schema):
    """A page of them, the newest first."""

    items = ListOf(Shape(StretchOut), required=True)
    page = Shape(PageOut, required=True)


@blp.get("")
@blp.arguments(PausedQuery(), location="query")
@blp.response(200, PausedOut())
@blp.needs(REPORT_READ)
@blp.problems(ReportRefused)
def paused(query: dict[str, Any]) -> Response:
    """暂停计时（挂账等）的时间：按原因、批准人、种类或单位各有几件、几次、几小时；已剔除的不算。"""
    by, found = query["by"], pauses.paused(actor(), _span(query))
    shown = [
        {"by": {"key": key, "name": found.called(by, key)}, **_sum(mine)}
        for key, mine in pauses.groups(found.found, by)
    ]
    return sent({"at": out(found.at), "total": _sum(found.found), "groups": shown})


@blp.get("/cases")
@blp.arguments(StretchesQuery(), location="query")
@blp.response(200, StretchPage())
@blp.needs(REPORT_READ)
@blp.problems(ReportRefused)
def stretches(query: dict[str, Any]) -> Response:
    """每一段暂停是哪一件、为什么、谁批准、从什么时候到什么时候，新的在前；条件与上面相同，再写哪一组。"""
    only = tuple((by, query[by]) for by in BY if query[by] is not None)
    me, span = actor(), _span(query, only)
    view = f"pauses:{span}"
    last = pages.after(me.id, view, query["after"], 3)
    found = pauses.paused(me, span)
    rows = [each for each in found.found if last is None or _keys(each) < _read(last)][: query["limit"] + 1]
    return sent(
        pages.page(
            rows,
            query["limit"],
            principal=me.id,
            view=view,
            keys=lambda each: [each.since.isoformat(), each.case_id, each.kind],
            item=lambda each: _shown(found, each),
        )
    )


def _span(query: Mapping[str, Any], only: tuple[tuple[str, str], ...] = ()) -> Span:
    return Span(query["from_"], query["to"], query["process"], query["within"], only)


def _keys(each: Stretch) -> tuple[datetime, str, str]:
    return each.since, each.case_id, each.kind


def _read(keys: Sequence[Any]) -> tuple[datetime, str, str]:
    return datetime.fromisoformat(keys[0]), keys[1], keys[2]


def _sum(found: Sequence[Stretch]) -> dict[str, Any]:
    return {
        "cases": len({each.case_id for each in found}),
        "pauses": len(found),
        "going": sum(each.until is None for each in found),
        "hours": round(sum(each.hours for each in found), 2),
    }


def _shown(found: Paused, each: Stretch) -> dict[str, Any]:
    return {
        "id": each.case_id,
        "number": each.number,
        "process": each.process,
        "unit": {"key": each.unit, "name": found.called("unit", each.unit)},
        "kind": each.kind,
        "reason": each.reason,
        "approver": {"key": each.approver, "name": found.called("approver", each.approver)},
        "since": out(each.since),
        "until": out(each.until),
        "hours": each.hours,
    }

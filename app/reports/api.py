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
from app.reports import numbers, service
from app.reports.measures import Report
from app.reports.query import NOBODY, Asked
from app.reports.schemas import CountedPage, FiguresOut, GroupsQuery, ReportCasesQuery, ReportsOut
from app.reports.service import Figures, ReportRefused, TooManyGroups, refuse
from app.reports.table import table

blp = Blueprint("reports", __name__, url_prefix="/api/v1/reports", description="统计")


@blp.get("")
@blp.response(200, ReportsOut())
@blp.needs(REPORT_READ)
def list_reports() -> Response:
    """有哪些统计，各有哪些指标，口径是什么、第几版：orders 是各流程的工单，其余各是一个流程自己的指标。"""
    shown = [
        {"name": each.key, "label": each.label, "measures": _measures(each)}
        for each in service.reports(actor())
    ]
    return sent({"items": shown})


@blp.get("/<id:name>")
@blp.arguments(GroupsQuery(), location="query")
@blp.response(200, FiguresOut())
@blp.needs(REPORT_READ)
@blp.problems(NotFound, ReportRefused, TooManyGroups)
def figures(query: dict[str, Any], name: str) -> Response:
    """一张统计：期内的办件按单位、分类等各有多少，分子、分母都给出；只算我管得到的，已剔除的另说件数。"""
    return sent(figures_out(_found(query, name), query["rank"]))


@blp.get("/<id:name>/table")
@blp.arguments(GroupsQuery(), location="query")
@blp.response(200, {"type": "string"}, content_type="text/csv")
@blp.needs(REPORT_READ)
@blp.problems(NotFound, ReportRefused, TooManyGroups)
def download(query: dict[str, Any], name: str) -> Response:
    """同一张统计，下载成 CSV 表格（UTF-8，可直接用表格软件打开），每个指标分子、分母、数值三列。"""
    found = _found(query, name)
    told = {
        "Content-Disposition": f'attachment; filename="{name}-{found.asked.first}-{found.asked.last}.csv"'
    }
    return Response(table(found), mimetype="text/csv", headers=told)


@blp.get("/<id:name>/cases")
@blp.arguments(ReportCasesQuery(), location="query")
@blp.response(200, CountedPage())
@blp.needs(REPORT_READ)
@blp.problems(NotFound, ReportRefused)
def cases_behind(query: dict[str, Any], name: str) -> Response:
    """一个数是哪些办件：条件与统计相同，再写指标、分子还是分母、哪一组；新的在前。"""
    only = [(key, None if query[key] == NOBODY else query[key]) for key in ("unit", "category") if query[key]]
    by = _by(query)
    if len(query["group"]) != len(by):
        refuse("?group", "value-invalid", "group 与 by 一一对应：by 里每一项写一个 group，没有的写 -。")
    only += [_only(each, key) for each, key in zip(by, query["group"], strict=True)]
    me, asked = actor(), _asked(query, tuple(only))
    view = f"report:{name}:{asked}:{query['measure']}:{query['part']}"

    def load(limit: int, after: str | None) -> list[Row]:
        return service.cases_behind(me, name, asked, query["measure"], query["part"], limit + 1, after)

    return sent(pages.of_rows(me.id, view, query, load, counted_out, key="case_id"))


def _found(query: Mapping[str, Any], name: str) -> Figures:
    by, rank = _by(query), query["rank"]
    found = service.figures(actor(), name, _asked(query), by, query["compare"])
    if rank is not None and rank not in found.report.measures:
        refuse("?rank", "measure-unknown", f"没有这个指标；有 {'、'.join(found.report.measures)}。")
    return found


def _by(query: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.strip() for each in query["by"].split(",") if each.strip()))


def _asked(query: Mapping[str, Any], only: tuple[tuple[str, str | None], ...] = ()) -> Asked:
    return Asked(
        query["from_"],
        query["to"],
        query["period"],
        query["process"],
        query["unit_tier"],
        query["category_level"],
        (*only, *(_only(*each.split(":", 1)) for each in query["where"])),
        query["within"],
        query["held"],
    )


def _only(name: str, key: str = "") -> tuple[str, str | None]:
    if not key:
        refuse("?where", "value-invalid", "每个条件写成 项:键，例如 status:待回应。")
    return name, None if key == NOBODY else key


def figures_out(found: Figures, rank: str | None) -> dict[str, Any]:
    """The answer of a report."""
    report, asked, by = found.report, found.asked, found.by
    groups = [_group(found, row) for row in found.rows] if by else []
    if rank is not None and by:
        for group, place in zip(
            groups, numbers.ranked(report.measures[rank], found.rows, found.total), strict=True
        ):
            group["rank"] = place
        groups.sort(key=lambda group: (group["rank"]["place"] is None, group["rank"]["place"] or 0))
    return {
        "name": report.key,
        "label": report.label,
        "at": out(found.at),
        "from": asked.first.isoformat(),
        "to": asked.last.isoformat(),
        "period": asked.period,
        "measures": _measures(report),
        "excluded": found.excluded,
        "held": found.held,
        "heldCounted": found.held_counted,
        "total": _numbers(report, found.total, found.before_total),
        "groups": groups,
    }


def _group(found: Figures, row: Row) -> dict[str, Any]:
    before = (found.before.get(found.keys(row)) or {}) if found.before is not None else None
    return {
        "by": {
            each: {"key": row[each], "name": service.name_of(found, each, row[each])} for each in found.by
        },
        "numbers": _numbers(found.report, row, before, found.total),
        "rank": None,
    }


def _numbers(
    report: Report,
    sums: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    total: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    now = numbers.numbers(report, sums, total)
    if before is None:
        return {key: {**each, "before": None, "change": None} for key, each in now.items()}
    then = numbers.numbers(report, before)
    return {
        key: {**each, "before": then[key]["value"], "change": numbers.changed(each, then[key])}
        for key, each in now.items()
    }


def _measures(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "key": m.key,
            "label": m.label,
            "says": m.says,
            "version": m.version,
            "unit": m.unit,
            "share": m.of is not None,
        }
        for m in report.measures.values()
    ]


def counted_out(row: Row) -> dict[str, Any]:
    """A case behind a number."""
    moments = ("received_at", "dispatched_at", "due_at", "met_at", "closed_at")
    told = {name.replace("_at", "At"): out(row[name]) for name in moments}
    plain = ("number", "unit", "category", "state", "status", "returns", "round")
    return {
        "id": row["case_id"],
        "process": row["process_key"],
        **told,
        **{name: row[name] for name in plain},
    }

"""Working calendars over HTTP: everybody signed in may look, a named permission imports."""

from typing import Any

from flask import Response

from app.cases.calendars import service
from app.cases.calendars.schemas import CalendarImportIn, CalendarImportOut, CalendarsOut, CalendarYearOut
from app.cases.calendars.service import Done
from app.clocks import calendar_rows, calendars
from app.clocks.calendar_file import FIRST_YEAR, LAST_YEAR, CalendarRefused, read_calendar, written
from app.clocks.calendar_import import in_words
from app.core.db import reading
from app.core.errors import FieldError, NotFound, Unprocessable
from app.core.http import idempotent
from app.core.http.api import Blueprint, sent
from app.core.http.fields import out
from app.identity.door import actor
from app.identity.permissions import CALENDAR_IMPORT
from app.identity.scopes import require

blp = Blueprint("calendars", __name__, url_prefix="/api/v1/calendars", description="工作日历")

MOST_TOLD = 500


class CalendarMismatch(Unprocessable):
    """地址里的日历与文件里的不一致。"""


@blp.get("")
@blp.response(200, CalendarsOut())
def every() -> Response:
    """有哪些工作日历。"""
    actor()
    with reading() as session:
        by, heads = calendars.by_place(session), calendar_rows.heads(session)
        found = [(head, calendar_rows.newest(session, heads, region)) for region, head in heads.items()]
    items = [
        {
            "region": head.region,
            "name": head.name,
            "follows": head.follows,
            "version": calendar.version,
            "inForce": head.region in by.calendars,
            "units": [path.rpartition("/")[2] for path, region in by.places if region == head.region],
            "years": sorted(calendar.years),
            "changedAt": out(head.changed_at),
        }
        for head, calendar in found
    ]
    return sent({"items": items})


@blp.get("/<id:region>/<id:year>")
@blp.response(200, CalendarYearOut())
@blp.problems(NotFound)
def one_year(region: str, year: str) -> Response:
    """一年里放假、调休和工作时间；没有公布的年份暂按周一至周五。"""
    actor()
    return sent(_year(region, int(year) if year.isascii() and year.isdigit() else 0))


def _year(region: str, year: int) -> dict[str, Any]:
    with reading() as session:
        heads = calendar_rows.heads(session)
        if region not in heads or not FIRST_YEAR <= year <= LAST_YEAR:
            raise NotFound
        calendar = calendar_rows.newest(session, heads, region)
    known = calendar.years.get(year)
    return {
        "region": region,
        "follows": heads[region].follows,
        "year": year,
        "provisional": known is None,
        "version": known.version if known else 0,
        "source": known.source if known else "",
        "hours": written(calendar.usual(year)),
        "workdays": calendar.workdays(year),
        "days": [
            {
                "day": day.isoformat(),
                "kind": each.kind,
                "name": each.name,
                "region": whose,
                "hours": written(each.hours) if each.hours is not None else None,
            }
            for day, each, whose in calendar.special(year)
        ],
    }


@blp.post("/<id:region>/import")
@blp.moves
@blp.arguments(
    CalendarImportIn(), example={"yaml": "region: cn\nname: 中国大陆\nyear: 2027\n…", "dryRun": True}
)
@blp.response(200, CalendarImportOut())
@blp.needs(CALENDAR_IMPORT)
@blp.problems(CalendarRefused, CalendarMismatch)
def import_(body: dict[str, Any], region: str) -> Response:
    """导入一年的工作日历，按它重算到期时刻，逐件说明变化。先用 dryRun 看看。"""
    require(actor(), CALENDAR_IMPORT)
    year = read_calendar("calendar.yaml", body["yaml"].encode())
    if year.region != region:
        message = f"文件里写的是 region: {year.region}，地址里是 {region}。"
        raise CalendarMismatch(message, errors=[FieldError("/yaml", "calendar-mismatch", message)])
    return idempotent.write(
        lambda session: service.import_year(session, actor(), year, dry_run=body["dry_run"]),
        lambda done: idempotent.stored(200, _told(done, body["dry_run"])),
    )


def _told(done: Done, dry_run: bool) -> dict[str, Any]:
    made = done.made
    return {
        "region": made.year.region,
        "year": made.year.year,
        "version": made.calendar.version,
        "dryRun": dry_run,
        "wasProvisional": made.was_provisional,
        "hoursChanged": made.hours_changed,
        "days": [
            {"day": each.day.isoformat(), "was": in_words(each.was), "now": in_words(each.now)}
            for each in made.days
        ],
        "moved": [
            {
                "case": each.case_id,
                "number": each.number,
                "region": each.region,
                "label": each.label,
                "was": out(each.was),
                "due": out(each.due),
            }
            for each in done.moved[:MOST_TOLD]
        ],
        "movedTotal": len(done.moved),
        "waiting": done.waiting,
    }

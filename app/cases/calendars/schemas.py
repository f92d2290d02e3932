"""Calendars over the wire."""

from marshmallow import fields

from app.core.http.fields import Flag, ListOf, Moment, Schema, Shape, Text


class CalendarOut(Schema):
    """A calendar there is."""

    region = fields.String(required=True)
    name = fields.String(required=True)
    version = fields.Integer(required=True)
    follows = fields.String(
        required=True, allow_none=True, metadata={"description": "跟随哪个日历，只写与它不同的"}
    )
    in_force = fields.Boolean(
        required=True, metadata={"description": "有地方按它计工作时间：全系统，或 units 里的单位及其下级"}
    )
    units = ListOf(fields.String(), required=True, metadata={"description": "写明用它的单位（代码）"})
    years = ListOf(fields.Integer(), required=True, metadata={"description": "已公布的年份"})
    changed_at = Moment(required=True)


class CalendarsOut(Schema):
    """Every calendar."""

    items = ListOf(Shape(CalendarOut), required=True)


class CalendarDayOut(Schema):
    """A day unlike others of its weekday."""

    day = fields.Date(required=True)
    kind = fields.String(required=True, metadata={"enum": ["holiday", "makeup", "workday"]})
    region = fields.String(required=True, metadata={"description": "哪个日历写的"})
    name = fields.String(required=True)
    hours = ListOf(fields.String(), required=True, allow_none=True)


class CalendarYearOut(Schema):
    """One year of a calendar, with what it follows; a provisional one works as that does, else from Monday to
    Friday."""

    region = fields.String(required=True)
    follows = fields.String(required=True, allow_none=True)
    year = fields.Integer(required=True)
    provisional = fields.Boolean(
        required=True, metadata={"description": "还没有公布，暂按所跟随的日历或周一至周五"}
    )
    version = fields.Integer(required=True)
    source = fields.String(required=True)
    hours = ListOf(fields.String(), required=True, metadata={"description": "平常的工作时间"})
    workdays = fields.Integer(required=True, metadata={"description": "全年的工作日"})
    days = ListOf(Shape(CalendarDayOut), required=True)


class CalendarImportIn(Schema):
    """One year of a calendar, as YAML."""

    yaml = Text(100_000, least=1, lines=True, required=True)
    dry_run = Flag(load_default=False, metadata={"description": "只说会有什么变化，不保存"})


class DayChangedOut(Schema):
    """A day that changed, in words."""

    day = fields.Date(required=True)
    was = fields.String(required=True)
    now = fields.String(required=True)


class DueMovedOut(Schema):
    """A clock whose due time moved."""

    case = fields.String(required=True)
    number = fields.String(required=True)
    region = fields.String(required=True, metadata={"description": "按哪个日历重算"})
    label = fields.String(required=True)
    was = Moment(required=True, allow_none=True)
    due = Moment(required=True, allow_none=True)


class CalendarImportOut(Schema):
    """What an import did, or would do."""

    region = fields.String(required=True)
    year = fields.Integer(required=True)
    version = fields.Integer(required=True)
    dry_run = fields.Boolean(required=True)
    was_provisional = fields.Boolean(required=True)
    hours_changed = fields.Boolean(required=True)
    days = ListOf(Shape(DayChangedOut), required=True)
    moved = ListOf(
        Shape(DueMovedOut), required=True, metadata={"description": "到期时刻变了的时钟，最多 500 个"}
    )
    moved_total = fields.Integer(required=True)
    waiting = fields.Integer(required=True, metadata={"description": "还有几件由后台接着重算"})

"""What a trial answers over the wire."""

from marshmallow import fields

from app.cases.models import CASE_STATES
from app.cases.schemas import PromptOut
from app.clocks.rows import PAUSED, RUNNING, STOPPED
from app.core.http.fields import ListOf, Moment, OneOf, Schema, Shape


class StepNamed(Schema):
    """A step of the diagram."""

    step = fields.String(required=True)
    name = fields.String(required=True)


class ClockWould(Schema):
    """A clock as it would be."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    state = OneOf((RUNNING, PAUSED, STOPPED), required=True)
    due_at = Moment(required=True, allow_none=True)


class CaseWould(Schema):
    """What would happen to a case; `case` is null for one that would be begun beside it. `says` are the lines
    that the timeline would get."""

    case = fields.String(required=True, allow_none=True)
    number = fields.String(required=True)
    state = OneOf(CASE_STATES, required=True)
    status = fields.String(required=True, allow_none=True)
    says = ListOf(fields.String(), required=True)
    opens = ListOf(Shape(StepNamed), required=True)
    closes = ListOf(Shape(StepNamed), required=True)
    clocks = ListOf(Shape(ClockWould), required=True)
    prompts = ListOf(Shape(PromptOut), required=True, metadata={"description": "登记时要知道的，如重复诉求"})


class WouldOut(Schema):
    """What would happen; nothing was kept."""

    dry_run = fields.Boolean(required=True)
    would = ListOf(Shape(CaseWould), required=True)

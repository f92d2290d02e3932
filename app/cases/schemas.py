"""Cases, tasks and timeline over the wire."""

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from app.cases.lists import VIEWS
from app.cases.models import CASE_STATES, TASK_STATES
from app.cases.phrases.schemas import OfferedPhrase
from app.cases.stack import PARTS
from app.cases.suggestions.schemas import SuggestionOut
from app.core.http.fields import (
    Answers,
    Identifier,
    ListOf,
    Message,
    Moment,
    OneOf,
    Schema,
    Shape,
    Text,
    Whole,
)
from app.core.http.pages import PageOut, PageQuery


class NewCaseIn(Schema):
    """A case to be filed. `placeUnit` is a unit code, by default the filer's own unit."""

    process = Identifier(60, required=True, metadata={"description": "流程的键，如 work_order_12345"})
    title = Text(200, least=1, required=True)
    answers = Answers(load_default=dict, metadata={"description": "登记表的内容，名字照流程声明"})
    external_no = Text(
        120, least=1, load_default=None, metadata={"description": "来源系统的编号，同一来源唯一"}
    )
    received_at = Moment(
        load_default=None, metadata={"description": "收到时间，群众的时限从它起算；默认现在"}
    )
    place_unit = Identifier(60, load_default=None, metadata={"description": "诉求所在单位的代码"})
    reporter = Text(
        60,
        least=1,
        load_default=None,
        metadata={"description": "反映人的居民账号；须是登记人辖区内社区的成员"},
    )
    priority = Whole(0, 100, load_default=50)


class CompleteIn(Schema):
    """How a step is finished."""

    outcome = Text(60, least=1, required=True, metadata={"description": "办理结论，须是该环节列出的一个"})
    answers = Answers(load_default=dict)
    opinion = Text(2000, lines=True, load_default=None)
    confirm = ListOf(
        Identifier(60),
        most=20,
        load_default=list,
        metadata={"description": "已经看过、仍要办理的提示，写它们的 code；不能确认的提示写了也没有用"},
    )


class DraftIn(Schema):
    """What was typed so far; nothing of it need be whole. All empty clears the draft."""

    outcome = Text(60, load_default=None, allow_none=True)
    answers = Answers(load_default=dict)
    opinion = Text(2000, lines=True, load_default=None, allow_none=True)


class DraftOut(Schema):
    """When the draft was kept."""

    task = fields.String(required=True)
    kept_at = Moment(required=True)


class ReasonIn(Schema):
    """Why."""

    reason = Text(500, least=1, required=True)


class Outcome(Schema):
    """One way to finish a step."""

    name = fields.String(required=True)
    opinion_required = fields.Boolean(required=True)


class TaskOut(Schema):
    """A task. `pools` are "role@unit path". `part` says what it does for the task `under` it, which `owner`
    gave: delegate 委派, assigned 交办, before, beside and after 加签."""

    id = fields.String(required=True)
    case = fields.String(required=True)
    step = fields.String(required=True)
    name = fields.String(required=True)
    lane = fields.String(required=True, allow_none=True)
    round = fields.Integer(required=True)
    state = OneOf(TASK_STATES, required=True)
    pools = ListOf(fields.String(), required=True)
    assignee = fields.String(required=True, allow_none=True)
    signature = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "代理人签收、办理的，写作“甲（代乙）”；assignee 是本人"},
    )
    part = OneOf(tuple(PARTS), required=True, allow_none=True)
    under = fields.String(required=True, allow_none=True)
    owner = fields.String(required=True, allow_none=True)
    priority = fields.Integer(required=True)
    due_at = Moment(required=True, allow_none=True)
    form = fields.String(required=True, allow_none=True)
    outcomes = ListOf(Shape(Outcome), required=True)
    opened_at = Moment(required=True)
    claimed_at = Moment(required=True, allow_none=True)
    closed_at = Moment(required=True, allow_none=True)
    outcome = fields.String(required=True, allow_none=True)
    opinion = fields.String(required=True, allow_none=True)
    revision = fields.Integer(required=True)


class SeenTask(TaskOut):
    """A task as somebody sees it."""

    on_behalf_of = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "代理：我办它就是代这个人办；自己的为空"},
    )


class ListedTask(SeenTask):
    """A task in a list, with its case's head."""

    case_number = fields.String(required=True)
    case_title = fields.String(required=True)
    case_status = fields.String(required=True, allow_none=True)
    case_state = OneOf(CASE_STATES, required=True)
    process = fields.String(required=True)
    light = OneOf(("green", "yellow", "orange", "red"), required=True, allow_none=True)


class CaseOut(Schema):
    """A case's head."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    process = fields.String(required=True)
    version = fields.String(required=True)
    title = fields.String(required=True)
    source = fields.String(required=True)
    external_no = fields.String(required=True, allow_none=True)
    place_unit = fields.String(required=True)
    priority = fields.Integer(required=True)
    instructed = fields.Boolean(required=True)
    supervised = fields.Boolean(required=True, metadata={"description": "督办中"})
    on_hold = fields.Boolean(required=True, metadata={"description": "挂账中"})
    excluded = fields.Boolean(required=True, metadata={"description": "已剔除，不计入考核"})
    round = fields.Integer(required=True)
    owner_unit = fields.String(required=True, allow_none=True)
    merged_into = fields.String(required=True, allow_none=True)
    parent = fields.String(required=True, allow_none=True)
    state = OneOf(CASE_STATES, required=True)
    status = fields.String(required=True, allow_none=True)
    public_status = fields.String(required=True, allow_none=True)
    light = OneOf(("green", "yellow", "orange", "red"), required=True, allow_none=True)
    close_reason = fields.String(required=True, allow_none=True)
    end = fields.String(required=True, allow_none=True)
    received_at = Moment(required=True)
    opened_at = Moment(required=True)
    closed_at = Moment(required=True, allow_none=True)
    revision = fields.Integer(required=True)


class ClockOut(Schema):
    """A clock of a case."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    round = fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "每轮一个的时钟是哪一轮的：重办几次以后的，0 是第一轮；整件或一个环节的没有"
        },
    )
    state = OneOf(("running", "paused", "stopped"), required=True)
    limit = fields.String(required=True, allow_none=True)
    started_at = Moment(required=True)
    due_at = Moment(required=True, allow_none=True)
    stopped_at = Moment(required=True, allow_none=True)


class WholeCase(CaseOut):
    """A case with its data, open tasks, clocks and hints."""

    data = fields.Dict(required=True)
    tasks = ListOf(Shape(TaskOut), required=True)
    clocks = ListOf(Shape(ClockOut), required=True)
    followed = fields.Boolean(required=True, metadata={"description": "我关注了"})
    favourite = fields.Boolean(required=True, metadata={"description": "我收藏了"})
    prompts = ListOf(
        Shape(lambda: PromptOut()), required=True, metadata={"description": "流程要提示的，如剔除提示"}
    )


class FiledOut(Schema):
    """A filed case and the tasks it opened."""

    case = Shape(CaseOut, required=True)
    tasks = ListOf(Shape(TaskOut), required=True)


class MovedOut(Schema):
    """The task acted on, its case, and the tasks opened by the act that the actor may see."""

    task = Shape(TaskOut, required=True)
    case = Shape(CaseOut, required=True)
    next = ListOf(Shape(TaskOut), required=True)


class EarlierOut(Schema):
    """An earlier case of the same person that reads much the same."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.String(required=True, allow_none=True)
    state = fields.String(required=True)
    received_at = Moment(required=True)
    likeness = fields.Integer(required=True, metadata={"description": "相似百分之几"})
    link = fields.String(required=True)


class PromptOut(Schema):
    """What lacks or is unusual before the step is finished with one of `outcomes` (none named: with any).

    One that does not ask (`asks` false) is only to be read."""

    code = fields.String(required=True)
    text = fields.String(required=True)
    blocks = fields.Boolean(required=True)
    asks = fields.Boolean(required=True, metadata={"description": "办理时要在 confirm 里确认"})
    outcomes = ListOf(fields.String(), required=True)
    cases = ListOf(Shape(EarlierOut()), required=True, metadata={"description": "提示指向的办件"})


class FormOut(Schema):
    """A task's form: JSON Schema, present values, outcomes, draft, prompts, and the phrases that fit it."""

    task = fields.String(required=True)
    revision = fields.Integer(required=True)
    title = fields.String(required=True)
    schema = fields.Dict(required=True)
    values = fields.Dict(required=True)
    outcomes = ListOf(Shape(Outcome), required=True)
    draft = fields.Dict(required=True, allow_none=True)
    prompts = ListOf(Shape(PromptOut), required=True)
    phrases = ListOf(Shape(OfferedPhrase), required=True)
    suggestions = ListOf(Shape(SuggestionOut), required=True)


class TaskQuery(PageQuery):
    """Which list: one of those there are, or what a saved filter finds."""

    view = OneOf(
        tuple(VIEWS),
        load_default=None,
        metadata={"description": " · ".join(f"{key} {view.label}" for key, view in VIEWS.items())},
    )
    filter = Identifier(64, load_default=None, metadata={"description": "保存的筛选（任务）的编号"})

    @validates_schema
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("view") is None) == (data.get("filter") is None):
            raise ValidationError({"view": [Message("one-of", "请写 view 或 filter 中的一个。")]})


class CaseQuery(PageQuery):
    """Which cases."""

    process = Identifier(60, load_default=None)
    state = OneOf(CASE_STATES, load_default=None)


class TaskPage(Schema):
    """A page of an inbox view."""

    items = ListOf(Shape(ListedTask), required=True)
    page = Shape(PageOut, required=True)


class FactOut(Schema):
    """One declared name that lists and searches go by."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    value = fields.Raw(required=True)


class MarkOut(Schema):
    """A tier that holds now: 24小时未回应."""

    clock = fields.String(required=True)
    key = fields.String(required=True)
    label = fields.String(required=True)
    colour = fields.String(required=True, allow_none=True)


class ListedCase(CaseOut):
    """A case in a list, with what is known of it and the tiers that hold now."""

    facts = ListOf(Shape(FactOut), required=True)
    tiers = ListOf(Shape(MarkOut), required=True)


class CasePage(Schema):
    """A page of cases, newest first."""

    items = ListOf(Shape(ListedCase), required=True)
    page = Shape(PageOut, required=True)


class Count(Schema):
    """How many, exact to 999."""

    count = fields.Integer(required=True)
    total_exact = fields.Boolean(required=True)


CountsOut = Schema.from_dict({view: Shape(Count, required=True) for view in VIEWS}, name="CountsOut")
"""The count of each view."""


class StepOut(Schema):
    """One step of a case: who, when, and what happened, in sentences."""

    seq = fields.Integer(required=True)
    at = Moment(required=True)
    actor = fields.String(required=True, allow_none=True)
    events = ListOf(fields.Dict(), required=True)


class TimelinePage(Schema):
    """A page of a timeline, oldest first."""

    items = ListOf(Shape(StepOut), required=True)
    page = Shape(PageOut, required=True)

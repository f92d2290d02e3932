"""External tasks over the wire, with Camunda 7's names."""

from marshmallow import fields

from app.cases.external.models import STATES
from app.core.http.fields import Answers, Flag, Identifier, ListOf, Moment, OneOf, Schema, Shape, Text, Whole
from app.core.http.pages import PageOut, PageQuery
from app.identity.topics import PATTERN

SHORTEST_LOCK, LONGEST_LOCK = 5_000, 3_600_000
MOST_TASKS, MOST_TOPICS = 100, 20

_LOCK = {"description": "毫秒，5 秒到 1 小时"}


def _worker() -> Text:
    return Text(120, least=1, required=True, metadata={"description": "worker 给自己起的名字，锁认账号和它"})


def _variables() -> Answers:
    return Answers(
        load_default=dict,
        metadata={
            "description": '名称: {"value": …, "type": …}，也可以直接写值；列表写成 Json 文本，或直接写'
        },
    )


class ExternalTopicIn(Schema):
    """One topic that is fetched."""

    topic_name = Identifier(60, pattern=PATTERN, required=True)
    lock_duration = Whole(SHORTEST_LOCK, LONGEST_LOCK, required=True, metadata=_LOCK)
    variables = ListOf(
        Text(120, least=1),
        load_default=None,
        allow_none=True,
        metadata={"description": "只要这几项；不写就是图中写的全部输入"},
    )


class ExternalFetchIn(Schema):
    """What a worker asks for."""

    worker_id = _worker()
    max_tasks = Whole(1, MOST_TASKS, required=True)
    use_priority = Flag(
        load_default=False, metadata={"description": "同一主题里优先级高的在前，不写则先到的在前"}
    )
    async_response_timeout = Whole(
        0, 1_800_000, load_default=0, metadata={"description": "没有任务时等多久，毫秒；最多等 10 秒"}
    )
    topics = ListOf(Shape(ExternalTopicIn), most=MOST_TOPICS, required=True)


class ExternalCompleteIn(Schema):
    """The work is done."""

    worker_id = _worker()
    variables = _variables()


class ExternalFailureIn(Schema):
    """The work could not be done."""

    worker_id = _worker()
    error_message = Text(666, lines=True, load_default="")
    error_details = Text(4000, lines=True, load_default="")
    retries = Whole(0, 100, required=True, metadata={"description": "还要试几次；0 不再试，停下等人处理"})
    retry_timeout = Whole(
        0, 7 * 24 * 3_600_000, load_default=0, metadata={"description": "毫秒，过多久再让人领取，最长 7 天"}
    )


class ExternalErrorIn(Schema):
    """The work ended in a way that the diagram answers."""

    worker_id = _worker()
    error_code = Identifier(
        60, pattern=r"[!-~]{1,60}", required=True, metadata={"description": "图中边界错误事件的错误码"}
    )
    error_message = Text(666, lines=True, load_default="")
    variables = _variables()


class ExternalExtendIn(Schema):
    """More time."""

    worker_id = _worker()
    new_duration = Whole(SHORTEST_LOCK, LONGEST_LOCK, required=True, metadata=_LOCK)


class ExternalUnlockIn(Schema):
    """Somebody else may have it."""

    worker_id = _worker()


class ExternalAnswer(Schema):
    """A task as it stands after what its worker did."""

    id = fields.String(required=True)
    topic_name = fields.String(required=True)
    state = OneOf(STATES, required=True)
    worker_id = fields.String(required=True, allow_none=True)
    lock_expiration_time = Moment(required=True, allow_none=True)
    retries = fields.Integer(required=True, allow_none=True)
    priority = fields.Integer(required=True)
    case_id = fields.String(required=True)
    business_key = fields.String(required=True, metadata={"description": "办件编号"})
    process_definition_key = fields.String(required=True)
    activity_id = fields.String(required=True)
    closed_at = Moment(required=True, allow_none=True)


class FetchedTask(ExternalAnswer):
    """A task with what its worker needs."""

    error_message = fields.String(
        required=True, allow_none=True, metadata={"description": "上一次没有办成时说的"}
    )
    error_details = fields.String(required=True, allow_none=True)
    create_time = Moment(required=True)
    variables = Answers(required=True)


class ExternalTaskOut(ExternalAnswer):
    """A task as people see it; its variables are not shown."""

    activity_name = fields.String(required=True)
    account = fields.String(required=True, allow_none=True, metadata={"description": "领取它的账号的名称"})
    locks = fields.Integer(required=True, metadata={"description": "领取过几次"})
    error_code = fields.String(required=True, allow_none=True)
    error_message = fields.String(required=True, allow_none=True)
    error_details = fields.String(required=True, allow_none=True)
    opened_at = Moment(required=True)
    next_at = Moment(
        required=True, allow_none=True, metadata={"description": "从何时起可以领取；空的不给人领"}
    )
    closed_by_name = fields.String(required=True, allow_none=True)


class ExternalTaskPage(Schema):
    """A page of external tasks."""

    items = ListOf(Shape(ExternalTaskOut), required=True)
    page = fields.Nested(PageOut, required=True)


class ExternalTaskQuery(PageQuery):
    """Which tasks."""

    state = OneOf(STATES, load_default=None)
    topic = Identifier(60, pattern=PATTERN, load_default=None)
    case = Identifier(load_default=None, metadata={"description": "办件的 id"})

"""One verb on many tasks, or on many cases, over HTTP."""

from collections.abc import Callable
from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validates_schema

from app.cases.batches import cases, service, tasks
from app.cases.batches.service import MOST, BatchRefused, Over
from app.cases.errors import CaseBusy, ProcessStopped
from app.cases.trying_schemas import WouldOut
from app.core.http import idempotent
from app.core.http.api import Blueprint
from app.core.http.fields import Answers, Flag, Identifier, ListOf, OneOf, Schema, Shape, Text, Whole
from app.core.once import Stored
from app.identity.door import actor
from app.identity.permissions import CASE_READ, TASK_COMPLETE

blp = Blueprint("batches", __name__, url_prefix="/api/v1", description="批量办理")


class BatchItemIn(Schema):
    """A task, and the revision that was looked at (where the verb asks for one)."""

    task = Identifier(36, required=True)
    revision = Whole(1, 2**31 - 1, load_default=None, allow_none=True)


class BatchIn(Schema):
    """What is to be done with which tasks."""

    verb = OneOf(tuple(tasks.VERBS), required=True)
    items = ListOf(Shape(BatchItemIn), required=True, least=1, most=MOST)
    atomic = Flag(load_default=False, metadata={"description": "true：有一件不成就全部不办"})
    reason = Text(
        500, lines=True, load_default="", metadata={"description": "原因；催办时是催什么，抄送时是抄送说明"}
    )
    to = Text(60, load_default="", metadata={"description": "转给谁，登录名"})
    people = ListOf(
        Text(60, least=1), most=50, load_default=list, metadata={"description": "抄送给谁，登录名"}
    )
    outcome = Text(60, load_default="")
    answers = Answers(load_default=dict)
    opinion = Text(2000, lines=True, load_default=None, allow_none=True)
    confirm = ListOf(Identifier(60), most=20, load_default=list)

    @validates_schema
    def whole(self, data: dict[str, Any], **_: Any) -> None:
        """What the verb needs is there, and no task twice."""
        for name in tasks.NEEDS.get(data["verb"], ()):
            if not (data[name].strip() if isinstance(data[name], str) else data[name]):
                raise ValidationError("这个操作必须填写。", name)
        _each_once(data["items"], "task", "同一个任务只能写一次。")


class CaseItemIn(Schema):
    """A case."""

    case = Identifier(36, required=True)


class CaseBatchIn(Schema):
    """What is to be done with which cases."""

    verb = OneOf(
        tuple(cases.VERBS),
        required=True,
        metadata={"description": "follow 关注 · unfollow 取消关注 · favourite 收藏 · unfavourite 取消收藏"},
    )
    items = ListOf(Shape(CaseItemIn), required=True, least=1, most=MOST)
    atomic = Flag(load_default=False, metadata={"description": "true：有一件不成就全部不办"})

    @validates_schema
    def whole(self, data: dict[str, Any], **_: Any) -> None:
        """No case twice."""
        _each_once(data["items"], "case", "同一件只能写一次。")


def _each_once(items: list[dict[str, Any]], noun: str, says: str) -> None:
    named = [item[noun] for item in items]
    if len(set(named)) != len(named):
        raise ValidationError(says, "items")


class BatchProblem(Schema):
    """Why one of them was not done."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    detail = fields.String(required=True, allow_none=True)
    errors = ListOf(fields.Dict(), required=True)


class BatchResult(Schema):
    """What came of one of them."""

    task = fields.String(required=True)
    status = fields.Integer(required=True)
    revision = fields.Integer(required=True, allow_none=True)
    problem = Shape(BatchProblem, required=True, allow_none=True)


class CaseBatchResult(Schema):
    """What came of one of them, and what I set on it now."""

    case = fields.String(required=True)
    status = fields.Integer(required=True)
    followed = fields.Boolean(required=True, allow_none=True)
    favourite = fields.Boolean(required=True, allow_none=True)
    problem = Shape(BatchProblem, required=True, allow_none=True)


class CaseBatchOut(Schema):
    """What came of each, in the order asked."""

    done = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    results = ListOf(Shape(CaseBatchResult), required=True)


class BatchOut(Schema):
    """What came of each, in the order asked."""

    done = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    results = ListOf(Shape(BatchResult), required=True)


@blp.post("/tasks/bulk")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(BatchIn(), example={"verb": "claim", "items": [{"task": "0190…"}, {"task": "0191…"}]})
@blp.response(200, BatchOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(BatchRefused, CaseBusy, ProcessStopped)
def act_on_many(body: dict[str, Any]) -> Response:
    """批量办理：对最多 500 个任务做同一件事，逐件答复；atomic 为 true 时有一件不成就全部不办（409）。"""
    over = tasks.over(actor(), body)
    return _batch(over, body, lambda moved: [tasks.told(task) for task in moved.acted])


@blp.post("/cases/bulk")
@blp.tries()
@blp.moves
@blp.arguments(CaseBatchIn(), example={"verb": "follow", "items": [{"case": "0190…"}, {"case": "0191…"}]})
@blp.response(200, CaseBatchOut())
@blp.needs(CASE_READ)
@blp.problems(BatchRefused, CaseBusy)
def mark_many(body: dict[str, Any]) -> Response:
    """批量关注、收藏、取消：最多 500 件，逐件答复；atomic 为 true 时有一件不成就全部不办（409）。"""
    over = cases.over(actor(), body)
    return _batch(over, body, lambda marked: [over.done(each) for each in marked])


def _batch(over: Over, body: dict[str, Any], all_done: Callable[[Any], list[dict[str, Any]]]) -> Response:
    if body["atomic"]:
        once = idempotent.once(lambda result: _answer(all_done(result)))
        return idempotent.send(service.together(over, body, once))
    told = service.each(over, body, idempotent.once(lambda done: done))
    return idempotent.write(lambda session: told, _answer)


def _answer(results: list[dict[str, Any]]) -> Stored:
    done = sum(result["problem"] is None for result in results)
    return idempotent.stored(200, {"done": done, "refused": len(results) - done, "results": results})

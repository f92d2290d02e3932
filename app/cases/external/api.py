"""External tasks over HTTP: fetched, kept and handed in by service accounts, seen by people."""

from datetime import timedelta
from functools import partial
from typing import Any

from flask import Response

from app.cases.errors import CaseBusy, ChildOpen, OpenSupervision, ProcessStopped
from app.cases.external import fetching, service, shown, values
from app.cases.external.errors import (
    ExternalTaskClosed,
    ExternalTaskLockLost,
    TopicNotGranted,
    VariablesWrong,
)
from app.cases.external.schemas import (
    ExternalAnswer,
    ExternalCompleteIn,
    ExternalErrorIn,
    ExternalExtendIn,
    ExternalFailureIn,
    ExternalFetchIn,
    ExternalTaskOut,
    ExternalTaskPage,
    ExternalTaskQuery,
    ExternalUnlockIn,
    FetchedTask,
)
from app.core.errors import Forbidden, NotFound
from app.core.http import pages
from app.core.http.api import Blueprint, sent
from app.identity.door import actor
from app.identity.permissions import EXTERNAL_READ, EXTERNAL_WORK

blp = Blueprint("external", __name__, url_prefix="/api/v1", description="交给外部系统办理的任务")

ON_A_TASK = (NotFound, Forbidden, ExternalTaskClosed, ExternalTaskLockLost, CaseBusy)
HANDS_IN = (*ON_A_TASK, VariablesWrong, ProcessStopped, ChildOpen, OpenSupervision)


@blp.post("/external-tasks/fetch-and-lock")
@blp.writes
@blp.arguments(
    ExternalFetchIn(),
    example={
        "workerId": "printer-1",
        "maxTasks": 10,
        "usePriority": True,
        "topics": [{"topicName": "notice.print", "lockDuration": 60000}],
    },
)
@blp.response(200, FetchedTask(many=True))
@blp.needs(EXTERNAL_WORK)
@blp.problems(Forbidden, TopicNotGranted)
def fetch_and_lock(body: dict[str, Any]) -> Response:
    """领取任务并锁定：锁住的时间里不给别人；过了期，别人可以领去重做。

    asyncResponseTimeout 让请求在没有任务时等一等，一个进程同时只等一个；等不了的马上得到空的回答和
    Retry-After。不需要 Idempotency-Key：没有收到回答的，锁过期后会再给出来。
    """
    asked = fetching.Asked(
        body["worker_id"],
        body["max_tasks"],
        tuple(_topic(each) for each in body["topics"]),
        body["use_priority"],
        body["async_response_timeout"] / 1000,
    )
    found, busy = fetching.fetch(actor(), asked)
    return sent([shown.fetched(row) for row in found], headers={"Retry-After": "1"} if busy else None)


def _topic(given: dict[str, Any]) -> fetching.Topic:
    only = given["variables"]
    lock = timedelta(milliseconds=given["lock_duration"])
    return fetching.Topic(given["topic_name"], lock, None if only is None else tuple(only))


@blp.post("/external-tasks/<id:external_task_id>/complete")
@blp.writes
@blp.arguments(
    ExternalCompleteIn(),
    example={"workerId": "printer-1", "variables": {"printed_no": {"value": "P-7", "type": "String"}}},
)
@blp.response(200, ExternalAnswer())
@blp.needs(EXTERNAL_WORK)
@blp.problems(*HANDS_IN)
def complete_external(body: dict[str, Any], external_task_id: str) -> Response:
    """交回：办成了，办件往下走。任务的 id 就是防重复的编号，同一个 worker 再交一次得到同一个回答。"""
    row = service.complete(actor(), external_task_id, body["worker_id"], values_of(body))
    return sent(shown.answered(row))


@blp.post("/external-tasks/<id:external_task_id>/bpmn-error")
@blp.writes
@blp.arguments(
    ExternalErrorIn(), example={"workerId": "printer-1", "errorCode": "no_paper", "errorMessage": "没有纸"}
)
@blp.response(200, ExternalAnswer())
@blp.needs(EXTERNAL_WORK)
@blp.problems(*HANDS_IN)
def external_error(body: dict[str, Any], external_task_id: str) -> Response:
    """报出图中画着的错误，办件走边界事件的那条路；图中没有画这个错误的，任务停下（stopped），开一条异常。"""
    row = service.bpmn_error(
        actor(),
        external_task_id,
        body["worker_id"],
        body["error_code"],
        body["error_message"],
        values_of(body),
    )
    return sent(shown.answered(row))


@blp.post("/external-tasks/<id:external_task_id>/failure")
@blp.writes
@blp.arguments(
    ExternalFailureIn(),
    example={"workerId": "printer-1", "errorMessage": "打印机离线", "retries": 2, "retryTimeout": 60000},
)
@blp.response(200, ExternalAnswer())
@blp.needs(EXTERNAL_WORK)
@blp.problems(*ON_A_TASK)
def external_failure(body: dict[str, Any], external_task_id: str) -> Response:
    """没有办成：过 retryTimeout 再给人领取；retries 为 0 的停下（stopped），开一条异常。"""
    row = service.failure(
        actor(),
        external_task_id,
        body["worker_id"],
        body["error_message"],
        body["error_details"],
        body["retries"],
        timedelta(milliseconds=body["retry_timeout"]),
    )
    return sent(shown.answered(row))


@blp.post("/external-tasks/<id:external_task_id>/extend-lock")
@blp.writes
@blp.arguments(ExternalExtendIn(), example={"workerId": "printer-1", "newDuration": 60000})
@blp.response(200, ExternalAnswer())
@blp.needs(EXTERNAL_WORK)
@blp.problems(*ON_A_TASK)
def extend_lock(body: dict[str, Any], external_task_id: str) -> Response:
    """延长锁：从现在起再锁这么久。"""
    length = timedelta(milliseconds=body["new_duration"])
    return sent(shown.answered(service.extend_lock(actor(), external_task_id, body["worker_id"], length)))


@blp.post("/external-tasks/<id:external_task_id>/unlock")
@blp.writes
@blp.arguments(ExternalUnlockIn(), example={"workerId": "printer-1"})
@blp.response(200, ExternalAnswer())
@blp.needs(EXTERNAL_WORK)
@blp.problems(*ON_A_TASK)
def unlock_external(body: dict[str, Any], external_task_id: str) -> Response:
    """放开：不办了，马上可以由别人领取。"""
    return sent(shown.answered(service.unlock(actor(), external_task_id, body["worker_id"])))


@blp.get("/external-tasks")
@blp.arguments(ExternalTaskQuery(), location="query")
@blp.response(200, ExternalTaskPage())
@blp.needs(EXTERNAL_READ)
def list_external(query: dict[str, Any]) -> Response:
    """交给外部系统的任务，新的在前：谁领着、锁到何时、试过几次、对方说了什么。"""
    me = actor()
    asked = {name: query[name] for name in ("state", "topic", "case")}
    view = f"external-tasks:{sorted((name, str(value)) for name, value in asked.items())}"
    return sent(pages.of_rows(me.id, view, query, partial(shown.page, me, asked), shown.listed))


@blp.get("/external-tasks/<id:external_task_id>")
@blp.response(200, ExternalTaskOut())
@blp.needs(EXTERNAL_READ)
@blp.problems(NotFound)
def get_external(external_task_id: str) -> Response:
    """一件交给外部系统的任务。"""
    return sent(shown.listed(shown.one(actor(), external_task_id)))


def values_of(body: dict[str, Any]) -> dict[str, Any]:
    return values.plain(body["variables"])

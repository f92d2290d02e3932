"""Cases and tasks over HTTP: each view shapes a request, asks a service, and sends its answer."""

from datetime import datetime
from functools import partial
from typing import Any

from flask import Response

from app.bundles.forms import AnswersRefused
from app.cases import drafts, filing, inbox, tasks, timeline, viewing
from app.cases.advance import Moved
from app.cases.attachments.errors import AttachmentMissing
from app.cases.commands import NewCase
from app.cases.errors import (
    AlreadyFiled,
    CaseBusy,
    CaseClosed,
    ChildOpen,
    FourEyes,
    OpenSupervision,
    OpinionRequired,
    OutcomeUnknown,
    ProcessRetired,
    ProcessStopped,
    ProcessUnknown,
    TaskDone,
    TaskNotClaimed,
    TaskTaken,
    UnitNotSelectable,
)
from app.cases.schemas import (
    CasePage,
    CaseQuery,
    CompleteIn,
    CountsOut,
    DraftIn,
    DraftOut,
    FiledOut,
    FormOut,
    MovedOut,
    NewCaseIn,
    ReasonIn,
    SeenTask,
    TaskPage,
    TaskQuery,
    TimelinePage,
    WholeCase,
)
from app.cases.search import marks, saved
from app.cases.search import query as searching
from app.cases.search.api import found_page
from app.cases.trying_schemas import WouldOut
from app.core.errors import Forbidden, IfMatchMissing, NotFound, Stale, TooLarge
from app.core.http import etag, idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.http.fields import NOTHING, out
from app.core.once import Stored
from app.identity.door import actor
from app.identity.permissions import (
    CASE_CREATE,
    CASE_READ,
    TASK_COMPLETE,
    TASK_READ,
)

blp = Blueprint("cases", __name__, url_prefix="/api/v1", description="办件、待办")


# — cases —


@blp.post("/cases")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(
    NewCaseIn(),
    example={
        "process": "work_order_12345",
        "title": "路灯不亮",
        "externalNo": "BJ-1",
        "placeUnit": "d1-s1-c2",
        "answers": {"content": "乙社区3号楼前路灯不亮。", "level": "一般"},
    },
)
@blp.response(201, FiledOut())
@blp.needs(CASE_CREATE)
@blp.problems(
    AlreadyFiled, ProcessUnknown, ProcessRetired, ProcessStopped, UnitNotSelectable, AnswersRefused, Forbidden
)
def file_case(body: dict[str, Any]) -> Response:
    """登记办件；先看看（dryRun）时说明会有什么编号、环节、时限，是不是重复诉求，什么都不保存。"""

    def render(moved: Moved) -> Stored:
        filed = {
            "case": viewing.case_view(moved.case, moved.bundle),
            "tasks": [viewing.task_view(task, moved.bundle) for task in moved.opened],
        }
        where = {"Location": f"/api/v1/cases/{moved.case['id']}"}
        return idempotent.stored(201, filed, {**where, **etag.etag(moved.case["revision"])})

    return idempotent.send(filing.file_case(actor(), NewCase(**body), idempotent.once(render)))


@blp.get("/cases")
@blp.arguments(CaseQuery(), location="query")
@blp.response(200, CasePage())
@blp.needs(CASE_READ)
def list_cases(query: dict[str, Any]) -> Response:
    """我范围内的办件，新的在前。"""
    me = actor()
    view = f"cases:{query['process']}:{query['state']}"
    keys = pages.after(me.id, view, query["after"], 1)
    given = {name: query[name] for name in ("process", "state") if query[name] is not None}
    found = searching.search(
        searching.CASES, me, searching.Asked([("?", given)]), query["limit"], keys, count=False
    )
    shown = marks.listed(found.rows[: query["limit"]])
    page = pages.page(
        found.rows,
        query["limit"],
        principal=me.id,
        view=view,
        keys=lambda row: [row["id"]],
        item=lambda row: shown[row["id"]],
    )
    return sent(page)


@blp.get("/cases/<id:case_id>")
@blp.response(200, WholeCase())
@blp.needs(CASE_READ)
@blp.problems(NotFound)
def get_case(case_id: str) -> Response:
    """一件办件：内容、当前待办、时钟。"""
    case = viewing.look(actor(), case_id)
    return sent(case, headers=etag.etag(case["revision"]))


@blp.get("/cases/<id:case_id>/timeline")
@blp.arguments(pages.PageQuery(), location="query")
@blp.response(200, TimelinePage())
@blp.needs(CASE_READ)
@blp.problems(NotFound)
def get_timeline(query: dict[str, Any], case_id: str) -> Response:
    """办件经过，从头到尾。"""
    me = actor()
    load = partial(timeline.of, me, case_id)
    return sent(pages.of_rows(me.id, f"timeline:{case_id}", query, load, key="seq"))


# — tasks —


@blp.get("/tasks")
@blp.arguments(TaskQuery(), location="query")
@blp.response(200, TaskPage())
@blp.needs(TASK_READ)
@blp.problems(NotFound)
def list_tasks(query: dict[str, Any]) -> Response:
    """我的一个列表：待办、今日到期、已超期、已办、已交办、办理中、已结案、我发起的、关注、收藏、全部，或保存的筛选。"""
    me, view = actor(), query["view"]
    if query["filter"] is not None:
        asked = saved.asked_of(me, searching.TASKS, query["filter"])
        return found_page(searching.TASKS, me, asked, query["limit"], query["after"])
    found = pages.after(me.id, view, query["after"], inbox.width(view))
    rows = inbox.page(me, view, query["limit"], found)
    page = pages.page(
        rows,
        query["limit"],
        principal=me.id,
        view=view,
        keys=lambda row: inbox.sort_key(view, row),
        item=partial(viewing.listed_task, me),
    )
    return sent(page)


@blp.get("/tasks/counts")
@blp.response(200, CountsOut())
@blp.needs(TASK_READ)
def count_tasks() -> Response:
    """各列表的件数，999 以内准确。"""
    return sent(inbox.counts(actor()))


@blp.get("/tasks/<id:task_id>")
@blp.response(200, SeenTask())
@blp.needs(TASK_READ)
@blp.problems(NotFound)
def get_task(task_id: str) -> Response:
    """一个任务。"""
    me = actor()
    task = tasks.look(me, task_id)
    return sent(viewing.seen_task(me, task), headers=etag.etag(task["revision"]))


@blp.get("/tasks/<id:task_id>/form")
@blp.response(200, FormOut())
@blp.needs(TASK_READ)
@blp.problems(NotFound)
def get_form(task_id: str) -> Response:
    """任务的表单：要填什么（JSON Schema）、现有内容、可选结论、上次未保存成功的草稿。"""
    form = tasks.form_of(actor(), task_id)
    return sent(form, headers=etag.etag(form["revision"]))


@blp.route("/tasks/<id:task_id>/draft", methods=["PUT"])
@blp.moves
@blp.arguments(DraftIn(), example={"outcome": "报结", "answers": {"result": "已联系"}})
@blp.response(200, DraftOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(NotFound, Forbidden, TaskTaken, TaskDone, CaseClosed, CaseBusy, AnswersRefused, TooLarge)
def keep_draft(body: dict[str, Any], task_id: str) -> Response:
    """保存草稿：填到哪里算哪里，不写进办件经过；办理之后清除。全部留空就是清除草稿。"""

    def render(kept_at: datetime) -> Stored:
        return idempotent.stored(200, {"task": task_id, "keptAt": out(kept_at)})

    return idempotent.send(drafts.keep(actor(), task_id, drafts.Draft(**body), idempotent.once(render)))


def moved_answer(moved: Moved) -> Stored:
    """The task acted on, its case and what opened: read-your-write."""
    assert moved.task is not None
    shown = {
        "task": viewing.task_view(moved.task, moved.bundle),
        "case": viewing.case_view(moved.case, moved.bundle),
        "next": [viewing.task_view(task, moved.bundle) for task in moved.opened],
    }
    return idempotent.stored(200, shown, etag.etag(moved.task["revision"]))


@blp.post("/tasks/<id:task_id>/claim")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(NOTHING)
@blp.response(200, MovedOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(NotFound, Forbidden, TaskTaken, TaskDone, CaseClosed, CaseBusy, FourEyes, Stale)
def claim_task(body: dict[str, Any], task_id: str) -> Response:
    """签收。同一人重复签收得到同样的回答。"""
    once = idempotent.once(moved_answer)
    return idempotent.send(tasks.claim(actor(), task_id, once, etag.if_match()))


@blp.post("/tasks/<id:task_id>/unclaim")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(ReasonIn(), example={"reason": "不是我负责的片区"})
@blp.response(200, MovedOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(NotFound, Forbidden, TaskTaken, TaskDone, TaskNotClaimed, CaseBusy, Stale, IfMatchMissing)
def unclaim_task(body: dict[str, Any], task_id: str) -> Response:
    """退回待办池，须写原因。"""
    once = idempotent.once(moved_answer)
    return idempotent.send(tasks.unclaim(actor(), task_id, body["reason"], etag.if_match(), once))


@blp.post("/tasks/<id:task_id>/complete")
@blp.tries(WouldOut)
@blp.moves
@blp.if_match
@blp.arguments(CompleteIn(), example={"outcome": "派遣", "answers": {"main_unit": "d1-cgw"}})
@blp.response(200, MovedOut())
@blp.needs(TASK_COMPLETE)
@blp.problems(
    NotFound,
    Forbidden,
    TaskTaken,
    TaskDone,
    CaseClosed,
    ChildOpen,
    OpenSupervision,
    CaseBusy,
    FourEyes,
    ProcessStopped,
    Stale,
    IfMatchMissing,
    AnswersRefused,
    OutcomeUnknown,
    OpinionRequired,
    AttachmentMissing,
)
def complete_task(body: dict[str, Any], task_id: str) -> Response:
    """办理：结论、表单内容、意见。未签收的由办理人同时签收；看过提示仍要办理的，写在 confirm 里。"""
    once = idempotent.once(moved_answer)
    moved = tasks.complete(
        actor(),
        task_id,
        body["outcome"],
        body["answers"],
        body["opinion"],
        etag.if_match(),
        once,
        body["confirm"],
    )
    return idempotent.send(moved)

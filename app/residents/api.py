"""我的诉求 over HTTP: file, read, rate, urge, take back, open again; nobody's but one's own."""

from functools import partial
from typing import Any

from flask import Response

from app.bundles.forms import AnswersRefused
from app.cases import filing, tasks
from app.cases.advance import Moved
from app.cases.attachments import api as attachments
from app.cases.attachments import service as shelf
from app.cases.attachments.api import LOOSE, ON_A_FILE, UPLOAD, as_download
from app.cases.attachments.errors import (
    AttachmentDamaged,
    AttachmentWithdrawn,
    LooseEnough,
    StorageUnavailable,
)
from app.cases.attachments.schemas import AttachmentOut, LooseOut
from app.cases.commands import NewCase
from app.cases.errors import (
    AlreadyRated,
    CannotReopen,
    CaseBusy,
    CaseClosed,
    CaseMerged,
    CaseSuspended,
    NothingToRate,
    OpinionRequired,
    OutcomeUnknown,
    ProcessRetired,
    ProcessStopped,
    ProcessUnknown,
    TaskDone,
    TaskTaken,
    UnitNotSelectable,
    UrgedEnough,
    VerbForbidden,
)
from app.cases.rating import service as rating
from app.cases.resting import service as resting
from app.cases.resting.api import ON_REVOKING
from app.cases.schemas import CompleteIn, FormOut, ReasonIn
from app.cases.search.conditions import FilterRefused
from app.cases.urging import service as urging
from app.cases.urging.api import UrgeIn
from app.core.errors import Forbidden, IfMatchMissing, NotFound, Stale
from app.core.http import etag, idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.once import Stored
from app.identity.actor import Actor
from app.identity.door import actor
from app.identity.scopes import hidden
from app.residents import listing, reading
from app.residents.listing import Wanted
from app.residents.schemas import (
    AskedList,
    Course,
    FileableList,
    MatterIn,
    MatterPage,
    MattersQuery,
    OwnFiles,
    OwnMatter,
    RateIn,
    WholeMatter,
)

blp = Blueprint("my-matters", __name__, url_prefix="/api/v1/my", description="我的诉求（居民）")


def _matter(status: int, moved: Moved) -> Stored:
    where = {"Location": f"/api/v1/my/cases/{moved.case['id']}"} if status == 201 else {}
    return idempotent.stored(status, reading.head(moved.case, moved.bundle, {}), where)


_SHOWN = partial(_matter, 200)


@blp.get("/processes")
@blp.residents
@blp.response(200, FileableList())
def what_i_may_file() -> Response:
    """我能登记什么：对居民开放的流程和各自的登记表。"""
    return sent({"items": reading.processes()})


@blp.post("/cases")
@blp.residents
@blp.tries()
@blp.moves
@blp.arguments(
    MatterIn(),
    example={"process": "resident_request", "title": "单元门锁坏了", "answers": {"content": "3 号楼 2 单元"}},
)
@blp.response(201, OwnMatter())
@blp.problems(
    Forbidden, ProcessUnknown, ProcessRetired, ProcessStopped, UnitNotSelectable, AnswersRefused, CaseBusy
)
def file_matter(body: dict[str, Any]) -> Response:
    """我要说：登记自己的诉求，只能在自己是成员的社区，只能是对居民开放的流程。"""
    once = idempotent.once(partial(_matter, 201), tells=False)
    return idempotent.send(filing.file_case(actor(), NewCase(**body), once))


@blp.get("/cases")
@blp.residents
@blp.arguments(MattersQuery(), location="query")
@blp.response(200, MatterPage())
@blp.problems(FilterRefused)
def my_matters(query: dict[str, Any]) -> Response:
    """我的诉求，新的在前：自己登记的和别人代为登记的；可以只看一个流程的，按文字、状态、来源、评分等找。"""
    me = actor()
    wanted = Wanted(query["process"], query["words"], query["status"], listing.pairs(query["fact"]))
    load = partial(listing.page, me, wanted)
    return sent(pages.of_rows(me.id, f"my-cases:{wanted}", query, load, listing.listed))


@blp.get("/cases/<id:case_id>")
@blp.residents
@blp.response(200, WholeMatter())
@blp.problems(NotFound)
def my_matter(case_id: str) -> Response:
    """我的一件诉求：办到哪里，填了什么，有什么等我办。"""
    return sent(reading.look(actor(), case_id))


@blp.get("/cases/<id:case_id>/timeline")
@blp.residents
@blp.response(200, Course())
@blp.problems(NotFound)
def my_course(case_id: str) -> Response:
    """办理经过，用对外的说法；工作人员内部的意见不在其中。"""
    return sent({"items": reading.course(actor(), case_id)})


@blp.post("/cases/<id:case_id>/rate")
@blp.residents
@blp.tries()
@blp.moves
@blp.arguments(RateIn(), example={"answers": {"stars": 5, "satisfied": "满意"}})
@blp.response(200, OwnMatter())
@blp.problems(
    NotFound,
    Forbidden,
    NothingToRate,
    AlreadyRated,
    CaseSuspended,
    CaseBusy,
    ProcessStopped,
    AnswersRefused,
    OutcomeUnknown,
    OpinionRequired,
)
def rate(body: dict[str, Any], case_id: str) -> Response:
    """评价：办完请我评价的时候，评一次；重新办理后再请一次。"""
    once = idempotent.once(_SHOWN, tells=False)
    told = rating.rate(actor(), case_id, body["answers"], body["outcome"], body["opinion"], once)
    return idempotent.send(told)


@blp.post("/cases/<id:case_id>/urge")
@blp.residents
@blp.tries()
@blp.moves
@blp.arguments(UrgeIn(), example={"text": "三天了还没有人来"})
@blp.response(200, OwnMatter())
@blp.problems(
    NotFound, Forbidden, CaseClosed, CaseMerged, CaseSuspended, CaseBusy, VerbForbidden, UrgedEnough
)
def urge(body: dict[str, Any], case_id: str) -> Response:
    """催办：流程没有另写的，一人一小时一次，一件一天最多五次。"""
    me, once = actor(), idempotent.once(_SHOWN, tells=False)
    task = reading.some_task(me, case_id)
    if task is None:
        raise CaseClosed("这件事现在没有人在办，不用催办。")
    return idempotent.send(urging.urge(me, task, body["text"], once))


@blp.post("/cases/<id:case_id>/revoke")
@blp.residents
@blp.tries()
@blp.moves
@blp.arguments(ReasonIn(), example={"reason": "已经好了"})
@blp.response(200, OwnMatter())
@blp.problems(*ON_REVOKING)
def revoke(body: dict[str, Any], case_id: str) -> Response:
    """撤诉：还没有人签收、办理之前。"""
    once = idempotent.once(_SHOWN, tells=False)
    return idempotent.send(resting.revoke(actor(), case_id, body["reason"], once))


@blp.post("/cases/<id:case_id>/reopen")
@blp.residents
@blp.tries()
@blp.moves
@blp.arguments(ReasonIn(), example={"reason": "又坏了"})
@blp.response(200, OwnMatter())
@blp.problems(NotFound, Forbidden, CannotReopen, CaseMerged, CaseBusy, ProcessStopped)
def reopen(body: dict[str, Any], case_id: str) -> Response:
    """重新打开：办结以后，在流程规定的期限和次数之内。"""
    once = idempotent.once(_SHOWN, tells=False)
    return idempotent.send(resting.reopen(actor(), case_id, body["reason"], once))


# — steps that wait for a resident —


@blp.get("/tasks")
@blp.residents
@blp.response(200, AskedList())
def my_tasks() -> Response:
    """等我办的：评价、补充材料等画在反映人泳道里的环节。"""
    return sent({"items": reading.waiting(actor())})


@blp.get("/tasks/<id:task_id>/form")
@blp.residents
@blp.response(200, FormOut())
@blp.problems(NotFound)
def my_form(task_id: str) -> Response:
    """等我办的一个环节的表单。"""
    me = actor()
    reading.own_task(me, task_id)
    form = tasks.form_of(me, task_id)
    return sent(form, headers=etag.etag(form["revision"]))


@blp.post("/tasks/<id:task_id>/complete")
@blp.residents
@blp.tries()
@blp.moves
@blp.if_match
@blp.arguments(CompleteIn(), example={"outcome": "评价", "answers": {"stars": 5, "satisfied": "满意"}})
@blp.response(200, OwnMatter())
@blp.problems(
    NotFound,
    Forbidden,
    TaskTaken,
    TaskDone,
    CaseClosed,
    CaseBusy,
    ProcessStopped,
    Stale,
    IfMatchMissing,
    AnswersRefused,
    OutcomeUnknown,
    OpinionRequired,
)
def complete(body: dict[str, Any], task_id: str) -> Response:
    """办理等我办的一个环节。"""
    me, seen, once = actor(), etag.if_match(), idempotent.once(_SHOWN, tells=False)
    reading.own_task(me, task_id)
    told = tasks.complete(
        me, task_id, body["outcome"], body["answers"], body["opinion"], seen, once, body["confirm"]
    )
    return idempotent.send(told)


# — attachments —


@blp.get("/cases/<id:case_id>/attachments")
@blp.residents
@blp.response(200, OwnFiles())
@blp.problems(NotFound)
def my_files(case_id: str) -> Response:
    """我自己上传的附件，和表单里给我看的（例如整改后的照片）；别的看不到。"""
    me = actor()
    return sent({"items": [_file(me, row) for row in reading.files(me, case_id)]})


@blp.post("/attachments")
@blp.residents
@blp.moves
@blp.uploads(LOOSE)
@blp.response(201, LooseOut())
@blp.problems(*ON_A_FILE, LooseEnough)
def bring() -> Response:
    """登记之前先上传附件：登记表里填它的编号，登记后就归入那件诉求。"""
    return attachments.keep_loose(actor())


@blp.post("/cases/<id:case_id>/attachments")
@blp.residents
@blp.moves
@blp.uploads(UPLOAD)
@blp.response(201, AttachmentOut())
@blp.problems(*ON_A_FILE, NotFound, TaskTaken, TaskDone, CaseClosed, CaseMerged, CaseBusy)
def bring_to(case_id: str) -> Response:
    """给自己的诉求补充附件。"""
    me = actor()
    reading.look(me, case_id)
    return attachments.keep_with(me, case_id)


@blp.get("/attachments/<id:attachment_id>")
@blp.residents
@blp.response(200, {"type": "string", "format": "binary"}, content_type="*/*")
@blp.problems(NotFound, AttachmentWithdrawn, AttachmentDamaged, StorageUnavailable)
def my_file(attachment_id: str) -> Response:
    """下载我自己上传的附件，或表单里给我看的。"""
    me = actor()
    row, file = shelf.opened(me, attachment_id)
    if not reading.shows(me, dict(row)):
        file.close()
        raise hidden(me, attachment_id)
    return as_download(row, file)


def _file(me: Actor, row: dict[str, Any]) -> dict[str, Any]:
    """Whoever of the staff brought it has no name here."""
    mine = row["uploader_id"] == me.id
    return shelf.view(row, me.name) if mine else shelf.view({**row, "uploader_id": "staff"}, "工作人员")

"""Attachments over HTTP: bytes come in piece by piece, and go out to be saved, never to be shown."""

from collections.abc import Mapping
from functools import partial
from typing import Any, BinaryIO

from flask import Response
from werkzeug.wsgi import FileWrapper

from app.cases.advance import Moved
from app.cases.attachments import loose, names, service, shelf
from app.cases.attachments.errors import (
    AttachmentDamaged,
    AttachmentFixed,
    AttachmentWithdrawn,
    FileContentMismatch,
    FileInfected,
    FileTypeNotAllowed,
    LooseEnough,
    ScannerUnavailable,
    StorageUnavailable,
)
from app.cases.attachments.schemas import AttachmentOut, AttachmentPage, LooseOut
from app.cases.errors import CaseBusy, CaseClosed, CaseMerged, TaskDone, TaskNotOpen, TaskTaken
from app.core.errors import Forbidden, NotFound, StorageFull, TooLarge, UnsupportedMedia
from app.core.http import idempotent, multipart, pages
from app.core.http.api import Blueprint, sent
from app.core.http.multipart import FileMissing, MultipartMalformed, Sent
from app.core.once import Stored
from app.identity.actor import Actor
from app.identity.door import actor
from app.identity.permissions import CASE_ATTACH, CASE_READ

blp = Blueprint("attachments", __name__, url_prefix="/api/v1", description="附件")

UPLOAD = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "一个文件，最多 50 MB"},
        "task": {"type": "string", "description": "所属待办；不写就属于整件办件"},
    },
    "required": ["file"],
}
LOOSE = {**UPLOAD, "properties": {"file": UPLOAD["properties"]["file"]}}  # type: ignore[index]
ON_A_FILE = (
    Forbidden,
    MultipartMalformed,
    UnsupportedMedia,
    TooLarge,
    FileMissing,
    FileTypeNotAllowed,
    FileContentMismatch,
    FileInfected,
    StorageFull,
    StorageUnavailable,
    ScannerUnavailable,
)


@blp.post("/cases/<id:case_id>/attachments")
@blp.moves
@blp.uploads(UPLOAD)
@blp.response(201, AttachmentOut())
@blp.needs(CASE_ATTACH)
@blp.problems(*ON_A_FILE, NotFound, TaskNotOpen, TaskTaken, TaskDone, CaseClosed, CaseMerged, CaseBusy)
def upload(case_id: str) -> Response:
    """上传附件（multipart/form-data）：待办的办理人传给自己的待办，或有 case:attach 权限的人传给办件。"""
    return keep_with(actor(), case_id)


def keep_with(me: Actor, case_id: str) -> Response:
    """The file that the request brought becomes the case's."""
    service.look_first(me, case_id)

    def render(moved: Moved) -> Stored:
        assert moved.made is not None
        where = {"Location": f"/api/v1/attachments/{moved.made['id']}"}
        return idempotent.stored(201, service.view(moved.made, me.name), where)

    came, taken, same = received(("task",))
    with service.unless_named(taken):
        once = idempotent.once(render, same)
        return idempotent.send(service.attach(me, case_id, came.fields.get("task"), taken, once))


@blp.post("/attachments")
@blp.moves
@blp.uploads(LOOSE)
@blp.response(201, LooseOut())
@blp.needs(CASE_ATTACH)
@blp.problems(*ON_A_FILE, LooseEnough)
def upload_before_filing() -> Response:
    """登记、申请之前先上传附件（case:create 也可以）：表里填它的编号，就归入新办件；没有用到的一天后清除。"""
    return keep_loose(actor())


def keep_loose(me: Actor) -> Response:
    """The file that the request brought waits for a filing, or a request, of who brought it."""
    loose.may_bring(me)
    _, taken, same = received(())
    with service.unless_named(taken):
        return idempotent.write(
            lambda session: loose.keep(session, me, taken.command()),
            lambda row: idempotent.stored(201, loose.view(row)),
            same,
        )


def received(fields: tuple[str, ...]) -> tuple[Sent, service.Taken, bytes]:
    """What the request brought: plain fields, the file on the shelf, and what makes it the same request."""
    with shelf.drafts() as drafts:
        draft = drafts.new()
        with shelf.writing(draft) as file:
            came = multipart.receive(file.write, service.MOST_BYTES, fields)
        same = service.same(draft, came)
        return came, service.take(draft, came.filename or "", drafts), same


@blp.get("/cases/<id:case_id>/attachments")
@blp.arguments(pages.PageQuery(), location="query")
@blp.response(200, AttachmentPage())
@blp.needs(CASE_READ)
@blp.problems(NotFound)
def list_attachments(query: dict[str, Any], case_id: str) -> Response:
    """办件的附件，从旧到新；撤回的只留记录。"""
    me = actor()
    load = partial(service.page, me, case_id)
    return sent(pages.of_rows(me.id, f"attachments:{case_id}", query, load, service.view))


@blp.get("/attachments/<id:attachment_id>")
@blp.response(200, {"type": "string", "format": "binary"}, content_type="*/*")
@blp.needs(CASE_READ)
@blp.problems(NotFound, AttachmentWithdrawn, AttachmentDamaged, StorageUnavailable)
def download(attachment_id: str) -> Response:
    """下载附件：只供保存，浏览器不会打开它；发出之前核对 SM3。"""
    return as_download(*service.opened(actor(), attachment_id))


def as_download(row: Mapping[str, Any], file: BinaryIO) -> Response:
    """A file as it leaves the house: to be saved, never to be shown."""
    return Response(
        FileWrapper(file, 64 << 10),
        mimetype=row["mime"],
        headers={
            "Content-Length": str(row["size"]),
            "Content-Disposition": names.disposition(row["name"]),
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
        direct_passthrough=True,
    )


@blp.delete("/attachments/<id:attachment_id>")
@blp.moves
@blp.response(200, AttachmentOut())
@blp.needs(CASE_READ)
@blp.problems(NotFound, Forbidden, AttachmentFixed, CaseClosed, CaseMerged, CaseBusy)
def withdraw(attachment_id: str) -> Response:
    """撤回附件：由上传的人，在待办办结之前；记录保留，内容清除。"""
    me = actor()

    def render(moved: Moved) -> Stored:
        assert moved.made is not None
        return idempotent.stored(200, service.view(moved.made, me.name))

    return idempotent.send(service.withdraw(me, attachment_id, idempotent.once(render)))

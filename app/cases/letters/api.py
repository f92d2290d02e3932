"""Letters of a case over HTTP, as staff write and read them."""

from functools import partial
from typing import Any

from flask import Response

from app.cases import viewing
from app.cases.advance import Moved
from app.cases.errors import CaseBusy, CaseMerged, NotReached
from app.cases.letters import service
from app.cases.letters.schemas import LetterIn, LetterOut, Letters
from app.core.db import reading
from app.core.errors import Forbidden, NotFound
from app.core.http import idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.once import Stored
from app.identity.actor import Actor
from app.identity.door import actor
from app.identity.permissions import CASE_READ, CASE_WRITE

blp = Blueprint("letters", __name__, url_prefix="/api/v1", description="给居民写信")


@blp.post("/cases/<id:case_id>/letters")
@blp.moves
@blp.arguments(LetterIn(), example={"text": "您反映的楼道堆物已经清理，请您看看。"})
@blp.response(201, LetterOut())
@blp.needs(CASE_WRITE)
@blp.problems(NotFound, Forbidden, NotReached, CaseMerged, CaseBusy)
def write_letter(body: dict[str, Any], case_id: str) -> Response:
    """给居民写信：对象有居民账号的，信在他的通知里，点开就是这件，可以回信；没有账号的不能写。"""
    me = actor()
    return idempotent.send(service.write(me, case_id, body["text"], idempotent.once(partial(written, me))))


@blp.get("/cases/<id:case_id>/letters")
@blp.arguments(pages.PageQuery(), location="query")
@blp.response(200, Letters())
@blp.needs(CASE_READ)
@blp.problems(NotFound)
def list_letters(query: dict[str, Any], case_id: str) -> Response:
    """往来的信，从旧到新；mayWrite 说能不能写：对象有账号，我有权限。"""
    me = actor()
    with reading() as session:
        case = viewing.visible(session, me, case_id)
        may = service.may_write(session, me, case)
    return sent({**thread(me, case_id, query), "mayWrite": may})


def thread(me: Actor, case_id: str, query: dict[str, Any]) -> dict[str, Any]:
    """A page of the letters of a case that this actor was found to see."""

    def load(limit: int, after: str | None) -> list[dict[str, Any]]:
        with reading() as session:
            return service.page(session, case_id, limit, after)

    return pages.of_rows(me.id, f"letters:{case_id}", query, load, service.view)


def written(me: Actor, moved: Moved) -> Stored:
    assert moved.made is not None
    return idempotent.stored(201, service.view(moved.made, me.name))

"""Letters of one's own matter over HTTP, as the resident reads and answers them."""

from functools import partial
from typing import Any

from flask import Response

from app.cases.errors import CaseBusy, CaseMerged, NothingToAnswer
from app.cases.letters import service
from app.cases.letters.api import thread, written
from app.cases.letters.schemas import LetterIn, LetterOut, LetterPage
from app.core.db import reading
from app.core.errors import NotFound
from app.core.http import idempotent, pages
from app.core.http.api import Blueprint, sent
from app.identity.door import actor
from app.residents.reading import own

blp = Blueprint("my-letters", __name__, url_prefix="/api/v1/my", description="居委来信（居民）")


@blp.get("/cases/<id:case_id>/letters")
@blp.residents
@blp.arguments(pages.PageQuery(), location="query")
@blp.response(200, LetterPage())
@blp.problems(NotFound)
def my_letters(query: dict[str, Any], case_id: str) -> Response:
    """这件事上工作人员写给我的信和我的回信，从旧到新。"""
    me = actor()
    with reading() as session:
        own(session, me, case_id)
    return sent(thread(me, case_id, query))


@blp.post("/cases/<id:case_id>/letters")
@blp.residents
@blp.moves
@blp.arguments(LetterIn(), example={"text": "看到了，谢谢。"})
@blp.response(201, LetterOut())
@blp.problems(NotFound, NothingToAnswer, CaseMerged, CaseBusy)
def answer_letter(body: dict[str, Any], case_id: str) -> Response:
    """回信：告诉最后写信来的人；还没有人写信来的不能回。"""
    me = actor()
    return idempotent.send(service.answer(me, case_id, body["text"], idempotent.once(partial(written, me))))

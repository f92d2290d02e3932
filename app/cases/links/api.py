"""Links of a case over HTTP."""

from functools import partial
from typing import Any

from flask import Response

from app.cases.advance import Moved
from app.cases.errors import CaseBusy, CaseClosed, CaseMerged, LinkReversed, LinkToItself
from app.cases.links import service
from app.cases.links.schemas import LinkIn, LinkMade, LinkPage
from app.cases.trying_schemas import WouldOut
from app.core.errors import Forbidden, NotFound
from app.core.http import idempotent, pages
from app.core.http.api import Blueprint, sent
from app.core.once import Stored
from app.identity.door import actor
from app.identity.permissions import CASE_LINK, CASE_READ

blp = Blueprint("links", __name__, url_prefix="/api/v1", description="关联")


@blp.post("/cases/<id:case_id>/links")
@blp.tries(WouldOut)
@blp.moves
@blp.arguments(LinkIn(), example={"to": "0198a3c2-7b1e-7f00-8000-000000000001", "kind": "duplicate_of"})
@blp.response(201, LinkMade())
@blp.needs(CASE_LINK)
@blp.problems(NotFound, Forbidden, LinkToItself, LinkReversed, CaseClosed, CaseMerged, CaseBusy)
def add_link(body: dict[str, Any], case_id: str) -> Response:
    """关联另一件办件：两件都须看得见；两件的办件经过都会记下。"""

    def render(moved: Moved) -> Stored:
        assert moved.made is not None
        return idempotent.stored(201, service.made(moved.made))

    return idempotent.send(service.add(actor(), case_id, body["to"], body["kind"], idempotent.once(render)))


@blp.get("/cases/<id:case_id>/links")
@blp.arguments(pages.PageQuery(), location="query")
@blp.response(200, LinkPage())
@blp.needs(CASE_READ)
@blp.problems(NotFound)
def list_links(query: dict[str, Any], case_id: str) -> Response:
    """办件的关联，两个方向都列；看不见的办件不列。"""
    me = actor()
    load = partial(service.page, me, case_id)
    return sent(pages.of_rows(me.id, f"links:{case_id}", query, load, service.view))


@blp.delete("/cases/<id:case_id>/links/<id:link_id>")
@blp.tries(WouldOut)
@blp.moves
@blp.response(204)
@blp.needs(CASE_LINK)
@blp.problems(NotFound, Forbidden, CaseClosed, CaseMerged, CaseBusy)
def remove_link(case_id: str, link_id: str) -> Response:
    """取消关联，从两件中的任一件；两件的办件经过都会记下。"""
    once = idempotent.once(lambda moved: Stored(204, {}, b""))
    return idempotent.send(service.remove(actor(), case_id, link_id, once))

"""A blueprint that does a bit of everything, so that the HTTP machinery is tested without a noun."""

from functools import cache
from typing import Any

from flask import Flask, Response
from sqlalchemy import insert, select

from app import create_app
from app.core import db, ids
from app.core.db import reading, system_state
from app.core.http import etag, idempotent, pages
from app.core.http.api import Blueprint
from app.core.http.fields import (
    NOTHING,
    Answers,
    Day,
    Flag,
    Identifier,
    ListOf,
    Moment,
    OneOf,
    QueryWhole,
    Schema,
    Shape,
    Text,
    Whole,
)
from app.core.http.gate import raw_body


class Part(Schema):
    name = Text(20, least=1, required=True)


class NoteIn(Schema):
    title = Text(50, least=1, required=True)
    content = Text(2000, lines=True, load_default="")
    code = Identifier(load_default=None)
    how_many = Whole(0, 100, load_default=0)
    urgent = Flag(load_default=False)
    tone = OneOf(("平", "急"), load_default="平")
    seen_at = Moment(load_default=None)
    day = Day(load_default=None)
    parts = ListOf(Shape(Part), most=3, load_default=list)
    answers = Answers(load_default=dict)


class NoteQuery(pages.PageQuery):
    number = QueryWhole(0, 10, load_default=0)
    sort = OneOf(("title", "-title"), load_default="title")


toy = Blueprint("toy", __name__, url_prefix="/toy", description="for tests")


@toy.post("/notes")
@toy.public
@toy.arguments(NoteIn())
@toy.response(200)
def echo(body: dict[str, Any]) -> dict[str, Any]:
    return {"read": body}


@toy.get("/notes")
@toy.arguments(NoteQuery(), location="query")
@toy.response(200)
def notes(query: dict[str, Any]) -> dict[str, Any]:
    position = pages.after("me", f"notes:{query['sort']}", query["after"], 1)
    return {"query": query, "position": position}


@toy.get("/mine")
@toy.response(200)
def mine() -> dict[str, Any]:
    return {"mine": True}


@toy.post("/kept/<id:name>")
@toy.moves
@toy.arguments(NOTHING)
@toy.response(201)
def keep(body: dict[str, Any], name: str) -> Response:
    """Adds one row a call: what a repeated request must not do twice."""

    def act(session: db.Session) -> str:
        key = f"{name}-{ids.new_id()}"
        session.execute(insert(system_state), {"name": key, "value": "kept"})
        return key

    return idempotent.write(act, lambda key: idempotent.stored(201, {"key": key}, etag.etag(1)))


@toy.post("/versions/<id:name>")
@toy.public
@toy.if_match
@toy.arguments(NOTHING)
@toy.response(200)
def versioned(body: dict[str, Any], name: str) -> dict[str, Any]:
    etag.agree(etag.if_match(), 3)
    return {"name": name}


@toy.post("/files")
@toy.public
@toy.response(200)
def upload() -> dict[str, Any]:
    return {"bytes": len(raw_body(2 << 20))}


@toy.get("/broken")
@toy.public
@toy.response(200)
def broken() -> dict[str, Any]:
    raise RuntimeError("select * from people where phone = '13800000000'")


@cache
def app_with_toy() -> Flask:
    """The real application with the toy beside it; it holds no rows, so one serves all tests."""
    app = create_app()
    app.register_blueprint(toy)
    return app


def kept(name: str) -> list[str]:
    """The rows that `keep` has added under a name."""
    with reading() as session:
        rows = session.execute(select(system_state.c.name).where(system_state.c.name.like(f"{name}-%")))
        return [row.name for row in rows]

"""Two views that only the benchmark has: what any write must cost, and a bare one.

floor: gate, bearer token, strict JSON and schema, idempotency row, SELECT FOR UPDATE, UPDATE, audit INSERT,
stored answer. bare: a Flask view of two statements, without any of this.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from flask import Flask, Response
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, bindparam, insert, select, update

from app.cases.schemas import CompleteIn
from app.core import clock, dialects, once
from app.core.db import Id, Instant, Json, Session, transaction
from app.core.http import etag, idempotent
from app.core.http.api import Blueprint
from app.core.ids import new_id
from app.identity.door import actor

metadata = MetaData()  # not the product's: no migration may ever see these
rows = Table(
    "bench_rows",
    metadata,
    Column("id", Id, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("at", Instant),
    Column("state", LargeBinary, nullable=False),
)
trail = Table(
    "bench_trail",
    metadata,
    Column("id", Id, primary_key=True),
    Column("row_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor_id", Id, nullable=False),
    Column("events", Json, nullable=False),
)

_LOCK = dialects.locked(select(rows, *clock.columns()).where(rows.c.id == bindparam("key")))
_MOVE = (
    update(rows)
    .where(rows.c.id == bindparam("key"), rows.c.revision == bindparam("seen"))
    .values(revision=bindparam("next"), at=bindparam("now"), state=bindparam("new"))
)
_TELL = insert(trail)

blp = Blueprint("bench", __name__, url_prefix="/bench")


@blp.post("/floor/<id:key>")
@blp.moves
@blp.if_match
@blp.arguments(CompleteIn())
@blp.response(200)
def floor(body: dict[str, Any], key: str) -> Response:
    """The least that a safe write costs on this server."""
    me = actor()
    etag.if_match()
    this = idempotent.once(lambda moved: idempotent.stored(200, moved, etag.etag(moved["revision"])))

    def move(session: Session) -> tuple[dict[str, Any], datetime]:
        row = session.execute(_LOCK, {"key": key}).one()
        now, seen = clock.at(row.raw_now, row.clock_offset), row.revision
        moved = {"key": key, "seen": seen, "next": seen + 1, "now": now, "new": row.state}
        session.execute(_MOVE, moved)
        told = {"id": new_id(), "row_id": key, "at": now, "actor_id": me.id, "events": [body["outcome"]]}
        session.execute(_TELL, told)
        return {"id": key, "revision": seen + 1}, now

    return idempotent.send(once.answered(this, move))


bare = Flask("bare", static_folder=None)


@bare.post("/bare/<key>")
def two_statements(key: str) -> Response:
    with transaction() as session:
        row = session.execute(_LOCK, {"key": key}).one()
        seen = row.revision
        moved = {"key": key, "seen": seen, "next": seen + 1, "now": row.raw_now, "new": row.state}
        session.execute(_MOVE, moved)
    return Response(b'{"ok":true}', mimetype="application/json")


def beside(product: Flask) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """The product with the two views: `floor` inside it, `bare` in front of it."""
    product.register_blueprint(blp)

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        whole = bare if environ.get("PATH_INFO", "").startswith("/bare/") else product
        return whole(environ, start_response)

    return application

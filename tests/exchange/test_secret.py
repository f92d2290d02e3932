"""What a message brings in confidence stands nowhere in the clear, and leaves only where the process says so."""

from datetime import datetime
from typing import Any

import orjson
import pytest
from sqlalchemy import LargeBinary, select

from app.cases.models import cases
from app.core import db
from app.core.db import metadata
from app.exchange.client import Answer
from app.exchange.endpoints import configured
from app.exchange.models import outbox
from app.exchange.sending import send_next
from tests.engine.drawing import Drawing
from tests.exchange.conftest import Configure
from tests.exchange.speaking import callback
from tests.world import World, build, bundle_of, by_role

NAME, PHONE = "金丝雀甲", "10055501234"
MESSAGES = """
city.dispatch: {direction: in, starts: true, key: externalNo, data: {title: $.title, caller_name: $.caller.name}}
city.callback: {direction: in, key: externalNo, data: {caller_phone: $.caller.phone}}
city.reply: {direction: out, to: connector:city12345, secret: true, body: {externalNo: external_no, phone: caller_phone}}
city.more: {direction: out, to: connector:city12345, body: {externalNo: external_no}}
"""


@pytest.fixture
def world(database: db.Database) -> World:
    drawing = (
        Drawing("confides")
        .declare("message", "city.dispatch", "city.callback", "city.reply", "city.more")
        .event("startEvent", "from_city", "message", "city.dispatch")
        .catch("word", "message", "city.callback")
        .throw("reply", "message", "city.reply")
        .throw("more", "message", "city.more")
        .task("after", by_role())
        .end()
        .line("from_city", "word", "reply", "more", "after", "end")
    )
    data = (
        "caller_name: {type: text, secret: true, label: 来电人}, "
        "caller_phone: {type: text, secret: true, format: phone, label: 电话}"
    )
    files = bundle_of("confides", drawing, starts="['message:city.dispatch']", data=data, messages=MESSAGES)
    return build(database, files)


def everything(world: World) -> str:
    """All that the database holds, bytes as they lie there."""
    found = []
    with db.reading() as session:
        for table in metadata.sorted_tables:
            for row in session.execute(select(*table.columns)):
                found += [_text(value) for value in row]
    return "\n".join(found)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if hasattr(value, "data") and isinstance(value.data, bytes):
        return str(value.data.decode("utf-8", "replace"))
    return value.isoformat() if isinstance(value, datetime) else repr(value)


@pytest.mark.promise("P16")
def test_a_name_and_a_number_stand_nowhere_in_the_clear_and_reach_whom_they_are_for(
    world: World, configure: Configure
) -> None:
    configure(city12345="http://127.0.0.1:9/orders")
    sent: list[Any] = []

    def post(endpoint: Any, body: bytes, headers: Any, **_: Any) -> Answer:
        sent.append(orjson.loads(body))
        return Answer(200, b'{"code": "0000"}')

    started = callback(world, "BJ-1", name="city.dispatch", data={"title": "路灯", "caller": {"name": NAME}})
    moved = callback(world, "BJ-1", data={"caller": {"phone": PHONE, "name": NAME}})
    lying = everything(world)
    while send_next(configured()["city12345"], "worker", post):
        pass
    after = everything(world)

    assert (started.status_code, moved.status_code) == (200, 200)
    assert [letter["data"] for letter in sent] == [{"gdbh": "BJ-1", "phone": PHONE}, {"gdbh": "BJ-1"}]
    for text in (lying, after, started.get_data(as_text=True), moved.get_data(as_text=True)):
        assert NAME not in text
        assert PHONE not in text
    assert "BJ-1" in lying, "the look would have seen it"
    assert {row["state"] for row in world.rows(outbox)} == {"sent"}
    listed = world.get("duban1", "/messages").get_data(as_text=True)
    listed += world.get("duban1", "/deliveries").get_data(as_text=True)
    assert PHONE not in listed
    assert world.rows(cases)[0]["data"] == {}


def test_the_columns_that_hold_what_was_said_take_only_sealed_values() -> None:
    from app.exchange.models import inbound

    for column in (inbound.c.body, outbox.c.body):
        assert type(column.type).__name__ == "SealedBytes"
        assert isinstance(column.type.impl, LargeBinary)  # type: ignore[attr-defined]

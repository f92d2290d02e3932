"""Partners side by side: who is slow delays nobody but himself, neither other partners nor the timers."""

import threading
import time

import pytest

from app.core import db
from app.exchange import outbox as box
from app.exchange.models import outbox
from app.exchange.sending import Senders
from tests.engine.drawing import Drawing
from tests.exchange.conftest import Configure
from tests.exchange.partner import is_slow, partner
from tests.world import World, build, bundle_of, by_role

MESSAGES = """
a.told: {direction: out, to: connector:quick, body: {number: number}}
b.told: {direction: out, to: connector:slow, body: {number: number}}
"""


@pytest.fixture
def world(database: db.Database) -> World:
    """Each new case tells two partners."""
    drawing = Drawing("tells").declare("message", "a.told", "b.told").start()
    drawing.throw("slowly", "message", "b.told").throw("quickly", "message", "a.told").task(
        "after", by_role()
    ).end()
    return build(
        database,
        bundle_of("tells", drawing.line("start", "slowly", "quickly", "after", "end"), messages=MESSAGES),
    )


@pytest.mark.promise("P12")
def test_a_slow_partner_delays_nobody_but_himself(world: World, configure: Configure) -> None:
    with partner() as quick, partner() as slow:
        slow.behave = is_slow(2)
        configure(quick={"url": quick.url, "adapter": "plain"}, slow={"url": slow.url, "adapter": "plain"})
        for _ in range(20):
            world.file(process="tells")
        stop = threading.Event()
        senders = Senders("worker", stop.is_set)
        began = time.monotonic()
        senders.start()
        try:
            while any(row["state"] != "sent" for row in world.rows(outbox, endpoint="quick")):
                assert time.monotonic() - began < 15
                time.sleep(0.05)
            waited = len(slow.received)
        finally:
            stop.set()
            senders.join(10)

    assert waited <= 7, "twenty went out while the slow one was at his first few"
    assert len(set(quick.ids)) == 20
    states = [row["state"] for row in world.rows(outbox, endpoint="slow")]
    assert states.count("claimed") == 0, "what was on its way was finished"
    assert states.count("sent") == len(slow.received)


def test_two_postmen_at_once_send_each_message_once_and_in_order(
    postgresql: db.Database, configure: Configure
) -> None:
    drawing = Drawing("tells").declare("message", "a.told").start().throw("one", "message", "a.told")
    drawing.throw("two", "message", "a.told").throw("three", "message", "a.told").task(
        "after", by_role()
    ).end()
    drawing.line("start", "one", "two", "three", "after", "end")
    world = build(
        postgresql,
        bundle_of(
            "tells",
            drawing,
            messages="a.told: {direction: out, to: connector:quick, body: {number: number}}\n",
        ),
    )
    with partner() as quick:
        configure(quick={"url": quick.url, "adapter": "plain"})
        for _ in range(15):
            world.file(process="tells")
        stop = threading.Event()
        postmen = [Senders(f"worker-{n}", stop.is_set) for n in range(3)]
        for each in postmen:
            each.start()
        until = time.monotonic() + 20
        while any(row["state"] != "sent" for row in world.rows(outbox)) and time.monotonic() < until:
            time.sleep(0.05)
        stop.set()
        for each in postmen:
            each.join(10)

    assert len(quick.ids) == len(set(quick.ids)) == 45
    for number in {each["data"]["number"] for each in quick.received}:
        assert [each["seq"] for each in quick.received if each["data"]["number"] == number] == [1, 2, 3]
    with db.reading() as session:
        assert box.standing(session) == "ok"

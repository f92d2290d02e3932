"""The synthetic orders: the same bytes for ever, nobody in them, and all of them can be filed."""

import hashlib
import json
import re

import pytest

from app import bundles
from app.core import clock, db
from app.core.config import REPOSITORY
from app.identity import org
from app.processes.publish import publish_folder
from examples import work_orders
from tests.processes.conftest import BPMN

FILE = REPOSITORY / "examples" / "work-orders.jsonl"
GOLDEN = "dc41d93402f965f988bd495f72932855ed8f6538163f79662a1bd59435c0c996"


def test_the_file_is_what_the_generator_makes_and_never_changes():
    data = FILE.read_bytes()

    assert "".join(work_orders.lines()).encode() == data
    assert hashlib.sha256(data).hexdigest() == GOLDEN


def test_an_order_does_not_depend_on_how_many_are_made():
    assert next(iter(work_orders.orders(1))) == next(iter(work_orders.orders(500)))


def test_nobody_can_be_found_in_the_orders():
    text = FILE.read_text("utf-8")
    without_numbers = re.sub(r'"(externalNo|process)": "[^"]*"', "", text)

    assert len(text.splitlines()) == work_orders.COUNT
    assert not re.search(r"\d{6,}", without_numbers)
    assert {name for line in text.splitlines() for name in json.loads(line)["answers"]} == {
        "content",
        "appeal",
        "level",
    }
    assert len({json.loads(line)["externalNo"] for line in text.splitlines()}) == work_orders.COUNT


@pytest.mark.usefixtures("district")
def test_every_order_fits_the_form_and_the_units_of_the_demo():
    bundle = bundles.get(publish_folder(BPMN / "work_order_12345").version.id)
    form = bundle.forms[bundle.engine.start_form or ""]
    from app.bundles.lookups import FixedLookups

    for body in work_orders.orders():
        assert form.check(body["answers"], {}, FixedLookups(clock.wall())) == body["answers"]
        with db.reading() as session:
            assert org.unit_by_code(session, body["placeUnit"]) is not None

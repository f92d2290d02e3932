"""Connectors: each recorded pair of messages maps both ways without loss, and answers mean what they say."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.exchange import connectors
from app.exchange.connectors import ALL, Order

CONTRACTS = sorted(Path(connectors.__file__).parent.glob("*/contract/*.json"))
AT = datetime(2026, 3, 3, 10, tzinfo=UTC)


def pair(file: Path) -> tuple[str, Any]:
    return file.parents[1].name, json.loads(file.read_text("utf-8"))


@pytest.mark.parametrize("file", CONTRACTS, ids=lambda file: f"{file.parts[-3]}-{file.stem}")
def test_a_recorded_pair_maps_both_ways_field_by_field(file: Path) -> None:
    name, recorded = pair(file)
    connector = ALL[name]

    if recorded["direction"] == "in":
        read = connector.read(recorded["message"], recorded["wire"])
        assert read == recorded["ours"]
        assert connector.names.theirs(read) == recorded["wire"]
    else:
        wire = recorded["wire"]
        order = Order(wire["messageId"], recorded["message"], wire["seq"], AT, recorded["ours"])
        assert orjson.loads(connector.write(order)) == wire
        assert connector.read(recorded["message"], wire["data"]) == recorded["ours"]


def test_there_is_a_pair_for_each_message_that_the_played_partners_know() -> None:
    assert {pair(file)[1]["message"] for file in CONTRACTS} >= {
        "city.dispatch",
        "city.urge",
        "city.callback",
        "city.reply",
        "city.reject",
        "grid.report",
        "grid.status",
        "grid.result",
        "grid.rejected",
    }


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b'{"code": "0000", "data": null, "total": 0}', None),
        (
            b'{"code": "0001", "message": "\xe7\xbc\x96\xe5\x8f\xb7\xe4\xb8\x8d\xe5\xad\x98\xe5\x9c\xa8"}',
            "0001 编号不存在",
        ),
        (b'{"code": "0001", "msg": 7}', "0001"),
        (b'{"code": 0}', "0"),
        (b"OK", "应答不是约定的格式（缺少 code）"),
        (b"[]", "应答不是约定的格式（缺少 code）"),
        (b"", "应答不是约定的格式（缺少 code）"),
    ],
)
def test_only_its_own_word_means_that_the_city_accepted(body: bytes, refusal: str | None) -> None:
    assert ALL["city12345"].refusal(200, body) == refusal


def test_a_partner_that_sends_nonsense_gets_it_refused_by_the_type_and_not_lost() -> None:
    read = ALL["city12345"].read(
        "city.dispatch", {"jjcd": "99", "startTime": "gestern", "name": {"a": 1}, "phone": None}
    )

    assert read["level"] == "99"
    assert read["receivedAt"] == "gestern"
    assert read["caller"] == {"name": {"a": 1}, "phone": None}


def test_a_partner_without_a_language_of_its_own_gets_ours() -> None:
    plain = ALL["plain"]
    order = Order("id-1", "grid.report", 3, AT, {"title": "路灯不亮"})

    assert orjson.loads(plain.write(order)) == {
        "messageId": "id-1",
        "message": "grid.report",
        "seq": 3,
        "sentAt": "2026-03-03T18:00:00+08:00",
        "data": {"title": "路灯不亮"},
    }
    assert plain.refusal(204, b"") is None
    assert plain.read("grid.result", {"a": 1}) == {"a": 1}
    assert plain.told("a.b") == "a.b"

"""The synthetic district: the same for the same seed, whatever else is made, and nobody real in it."""

import csv
import hashlib
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from click.testing import CliRunner

from app.cli import main
from app.core.config import REPOSITORY
from app.demo import orders, people, tables
from app.demo.districts import contains, district
from app.demo.vocabulary import matters
from app.exchange.work_orders import flat
from app.identity.org_file import read_org

NOW = datetime.fromisoformat("2026-03-02T09:00:00+08:00")
GOLDEN = {
    # SHA-256 of the first 1,000 rows as JSON lines; a change here changes every demo, bench and example
    "demo/residents": "f4e921aa3ef8e52d579c6706abdeb194995871a214562b2583023655e1785d48",
    "demo/work-orders": "2322a7da8ed94f599ce17c6178685f6eae318467d033bdd544f29fd59ec8ea8c",
    "xicheng-like/units": "8e4ff8c08419989acc3de6bafb8379c06a0563d78fce01d9c694abfdd11bb239",
    "xicheng-like/people": "d131e8bd2f5429527d13aa3859f3d391c8671cf7acd78f2654cb1e01308e2ecd",
    "xicheng-like/residents": "021adb2b7c4e90b19402219ebf8f1da59d2d2373b4a30e3b6fc6387b1cf2eac6",
    "xicheng-like/work-orders": "5e051870dac717fe9e5b789525cbea5e6cda731b0f5c1d3df1a937ec94499343",
    "baoshan-like/units": "99fad99469c458f6510a94e881443886b7fafe073750ad94bfc538326ae0a7c0",
    "baoshan-like/people": "544a6e32247c88b905963faeee925655e99fea698f5f4ce0b6da5e3b01beb736",
    "baoshan-like/residents": "f70325717638144829d6ccba89b92c7e81d73308518afee597673c43198a5b45",
    "baoshan-like/work-orders": "ae284e8939e85ed77f3b33f93ceb7edc16edecfa7dfa06c31896de9f60f8b3de",
}


def plan(key: str = "demo", seed: str = "huying", days: int = 60) -> orders.Plan:
    return orders.plan(key, seed, NOW, days, 10_000)


def rows(name: str) -> Iterator[dict[str, Any]]:
    key, table = name.split("/")
    return itertools.islice(tables.tables(plan(key), 1_000)[table](), 1_000)


@pytest.fixture(scope="module")
def some() -> list[dict[str, Any]]:
    """Four thousand orders of the demo's district."""
    return list(orders.orders(plan(), 4_000))


@pytest.mark.parametrize("name", GOLDEN)
def test_the_first_thousand_rows_never_change(name: str) -> None:
    digest = hashlib.sha256("".join(map(tables.line, rows(name))).encode()).hexdigest()

    assert digest == GOLDEN[name]


def test_a_row_depends_on_nothing_but_seed_and_index() -> None:
    together = list(orders.orders(plan(), 300))
    backwards = [orders.order(plan(), index) for index in range(300, 0, -1)]

    assert together == backwards[::-1]
    assert orders.order(plan(seed="another"), 7) != together[6]


def test_no_order_is_later_than_now_or_older_than_its_days(some: list[dict[str, Any]]) -> None:
    received = [datetime.fromisoformat(order["receivedAt"]) for order in some]

    assert NOW - timedelta(days=60) <= min(received) < NOW - timedelta(days=58)
    assert NOW - timedelta(days=1) < max(received) < NOW


def test_a_repeated_order_points_to_an_earlier_one(some: list[dict[str, Any]]) -> None:
    by_number = {order["externalNo"]: order for order in some}
    again = [order for order in some if order.get("repeat", {}).get("kind") == "同人同诉"]
    near = [order for order in some if order.get("repeat", {}).get("kind") == "同诉"]

    for order in again + near:
        first = by_number[order["repeat"]["of"]]
        assert first["receivedAt"] <= order["receivedAt"]
        assert first["categoryCode"] == order["categoryCode"]
        assert first["location"]["communityCode"] == order["location"]["communityCode"]
    assert all(by_number[o["repeat"]["of"]]["caller"] != o["caller"] for o in near[:50])
    assert all(by_number[o["repeat"]["of"]]["caller"]["phone"] == o["caller"]["phone"] for o in again)
    assert 0.02 < len(again) / len(some) < 0.04
    assert 0.03 < len(near) / len(some) < 0.05


def test_the_shares_are_those_of_the_hotline(some: list[dict[str, Any]]) -> None:
    received = [datetime.fromisoformat(order["receivedAt"]) for order in some]
    hours = Counter(at.hour for at in received)
    ones = Counter(order["category"][0] for order in some)
    weekend = sum(at.weekday() >= 5 for at in received) / len(some)

    assert max(hours, key=hours.__getitem__) in (9, 10, 11, 14, 15)
    assert hours[3] * 5 < hours[10]
    assert ones["城市管理"] == max(ones.values())
    assert len(ones) == 12
    assert 0.18 < weekend < 2 / 7 - 0.02
    assert 0.87 < sum(order["channel"] == "电话" for order in some) / len(some) < 0.94
    assert sum(order["level"] == "突发" for order in some) < 0.01 * len(some)
    assert sum("敏感词" in order["tags"] for order in some) in range(15, 80)


def test_seasons_are_felt() -> None:
    months = Counter(
        datetime.fromisoformat(order["receivedAt"]).month
        for order in orders.orders(plan(days=365), 6_000)
        if order["category"][1] == "供气供热" and order["category"][2] != "停气与漏气"
    )

    assert sum(months.values()) > 30
    assert set(months) <= {11, 12, 1, 2, 3}


def test_texts_are_whole_sentences_that_fit_their_fields(some: list[dict[str, Any]]) -> None:
    for order in some:
        assert 4 <= len(order["title"]) <= 40
        assert 10 <= len(order["content"]) <= 300
        assert not re.search(r"[{}]|，，|。。", order["title"] + order["content"])


def test_nobody_real_can_be_meant(some: list[dict[str, Any]]) -> None:
    for number in range(1, 2_000):
        resident = people.resident("huying", district("demo"), number, date(2026, 3, 2))
        weighed = sum(int(d) * w for d, w in zip(resident.id_number, people._WEIGHTS, strict=False))
        assert resident.id_number[:6] in ("110199", "310199", "650499")
        assert resident.id_number[-1] == "10X98765432"[weighed % 11]
        assert datetime.strptime(resident.id_number[6:14], "%Y%m%d").date() == resident.birth
        assert int(resident.id_number[16]) % 2 == (resident.gender == "男")
        assert re.fullmatch(r"1[012]\d{9}", resident.phone)
    assert not any(
        re.search(r"\d{11,}", order["title"] + order["content"].replace("SL", "")) for order in some
    )


@pytest.mark.parametrize("key", ["demo", "xicheng-like", "baoshan-like"])
def test_every_order_lies_inside_its_district(key: str) -> None:
    of = plan(key)
    communities = {each.code for each in of.district.communities}

    for order in orders.orders(of, 500):
        assert contains(of.district.polygon, (order["location"]["lng"], order["location"]["lat"]))
        assert order["location"]["communityCode"] in communities


def test_districts_have_the_shape_of_real_ones() -> None:
    xicheng, baoshan = district("xicheng-like"), district("baoshan-like")
    sizes = Counter(each.street.code for each in xicheng.communities)

    assert (len(xicheng.streets), len(xicheng.communities)) == (15, 263)
    assert set(sizes.values()) <= set(range(8, 29))
    assert len(baoshan.streets) == 14
    assert sum(each.name.endswith("村") for each in baoshan.communities) == 103
    assert sum(each.name.endswith("社区") for each in baoshan.communities) == 465
    assert len(xicheng.departments) == 35
    assert all(4 <= each.grids <= 8 for each in baoshan.communities)


def test_the_demos_district_is_the_one_of_the_organisation_file() -> None:
    org = read_org((REPOSITORY / "bpmn/_org.yaml").read_bytes())

    assert {(u.code, u.name, u.parent) for u in org.units if u.tier in ("street", "community")} == {
        (unit.code, unit.name, unit.parent) for unit in district("demo").units() if unit.tier != "district"
    }


def test_matters_are_the_categories_of_the_installation() -> None:
    table = yaml.load(
        (REPOSITORY / "bpmn/_categories/city_12345.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader
    )
    leaves = {
        (three["code"], one["name"], two["name"], three["name"])
        for one in table["categories"]
        for two in one["children"]
        for three in two["children"]
    }

    assert {(each.code, *each.category) for each in matters()} == leaves
    assert all(len(set(each.says)) == 3 for each in matters())


def test_the_command_writes_files_that_read_back(tmp_path: Path) -> None:
    words = ["--count", "40", "--residents", "30", "--district", "xicheng-like", "--now", NOW.isoformat()]
    formats = ["--format", "jsonl", "--format", "csv", "--format", "open311"]

    made = CliRunner().invoke(main, ["demo", "generate", *words, *formats, "--out", str(tmp_path)])

    assert made.exit_code == 0, made.output
    lines = [json.loads(line) for line in (tmp_path / "work-orders.jsonl").read_text("utf-8").splitlines()]
    with (tmp_path / "work-orders.csv").open(encoding="utf-8-sig", newline="") as table:
        cells = [flat(row) for row in csv.DictReader(table)]
    requests = ElementTree.parse(tmp_path / "work-orders.xml").getroot()
    org = read_org((tmp_path / "_org.yaml").read_bytes())
    assert len(lines) == len(cells) == len(requests) == 40
    for order, row, request in zip(lines, cells, requests, strict=True):
        assert {
            name: str(value) for name, value in flat(order).items() if isinstance(value, str)
        }.items() <= (row.items())
        assert request.findtext("service_request_id") == order["externalNo"]
        assert order["caller"]["phone"] not in ElementTree.tostring(request, encoding="unicode")
    assert len((tmp_path / "residents.jsonl").read_text("utf-8").splitlines()) == 30
    assert len(org.units) == len((tmp_path / "units.jsonl").read_text("utf-8").splitlines())
    assert org.person("city") is not None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--preset", "huge"], "没有叫“huge”的规模；有 bench-L、bench-M、bench-S、demo。"),
        (["--district", "mars"], "没有叫“mars”的区"),
        (["--now", "gestern"], "看不懂时间“gestern”；请写成 2026-03-02T09:00+08:00。"),
        (["--now", "2026-03-02T09:00"], "看不懂时间“2026-03-02T09:00”"),
    ],
)
def test_what_cannot_be_made_is_said_plainly(words: list[str], said: str, tmp_path: Path) -> None:
    made = CliRunner().invoke(main, ["demo", "generate", *words, "--out", str(tmp_path)])

    assert made.exit_code == 1
    assert said in made.output

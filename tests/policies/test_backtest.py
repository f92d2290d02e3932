"""A policy tried on past cases: what changes, whose cases are counted, and what cannot be told again."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from app.cases.models import cases
from app.cli import main
from app.clocks.models import clock_ledger, clocks
from app.core import db
from app.core.clock import BEIJING
from tests import world
from tests.world import Row, World

KEY = world.WORK_ORDER
NUMBERS = ("met", "late", "running", "none")


def changed(old: str, new: str) -> dict[str, str]:
    """sla.yaml of the small order with one text put for another."""
    sla = world.folder(KEY).files["sla.yaml"].decode()
    assert old in sla
    return {"sla.yaml": sla.replace(old, new)}


def tried(house: World, files: dict[str, str], who: str = "duban1", **more: Any) -> Any:
    today = house.now().astimezone(BEIJING).date()
    days = {"from": str(today - timedelta(days=30)), "to": str(today)}
    answer = house.post(
        who, f"/processes/{KEY}/policies/backtest", {"key": KEY, "files": files, **days, **more}
    )
    assert answer.status_code == 200, answer.json["errors"]
    return answer.json


def of(told: Any, name: str) -> dict[str, Any]:
    (one,) = [each for each in told["clocks"] if each["clock"] == name]
    return one


def signed_after(house: World, **waited: float) -> Row:
    """An order that is signed so long after it was dispatched."""
    filed = house.file()
    task = house.complete("paiqian1", filed.opened[0], "派遣", {"main_unit": "d1-cgw"}).opened[0]
    house.wait(**waited)
    house.complete("cgw1", task, "签收")
    return filed.case


def test_a_shorter_limit_makes_orders_late_that_were_in_time_and_nothing_is_written(
    database: db.Database,
) -> None:
    house = world.build(database)
    quick, slow = signed_after(house, minutes=10), signed_after(house, minutes=90)
    excluded = signed_after(house, minutes=90)
    with db.transaction() as session:
        session.execute(cases.update().where(cases.c.id == excluded["id"]).values(excluded=True))
    before = house.rows(cases), house.rows(clock_ledger)

    told = tried(house, changed("limit: PT2H", "limit: PT1H"))

    sign = of(told, "sign")
    assert (told["cases"], told["excluded"], told["unreplayed"]) == (2, 1, [])
    assert told["changes"] == ["时钟“签收时限”的时限：2 小时 → 1 小时"]
    assert [each["id"] for each in told["changed"]] == [slow["id"]]
    assert [sign["was"][name] for name in NUMBERS] == [2, 0, 0, 0]
    assert [sign["now"][name] for name in NUMBERS] == [1, 1, 0, 0]
    assert sign["now"]["rate"] == {"numerator": 1, "denominator": 2, "percent": 50.0}
    assert {
        (each["was"], each["now"]): [case["id"] for case in each["cases"]] for each in sign["became"]
    } == {
        ("met", "met"): [quick["id"]],
        ("met", "late"): [slow["id"]],
    }
    assert [of(told, "total")["now"][name] for name in NUMBERS] == [0, 0, 2, 0]
    assert (house.rows(cases), house.rows(clock_ledger)) == before


def test_clocks_may_come_and_go_and_what_contradicts_the_record_is_named(
    database: db.Database, tmp_path: Path
) -> None:
    house = world.build(database)
    kept, broken = signed_after(house, minutes=10), signed_after(house, minutes=10)
    with db.transaction() as session:
        other = clocks.update().where(clocks.c.case_id == broken["id"], clocks.c.name == "sign")
        session.execute(other.values(due_at=house.now()))
    files = changed(
        "  sign:  {",
        "  first: {label: 首签, start: case.received, stop: task.done(sign), limit: PT5M}\n  sign:  {",
    )

    told = tried(house, files)
    line = command(house, files, tmp_path)

    assert [of(told, "first")["was"]["none"], of(told, "first")["now"]["late"]] == [1, 1]
    assert [each["id"] for each in told["changed"]] == [kept["id"]]
    (left,) = told["unreplayed"]
    assert (left["id"], left["why"]) == (broken["id"], "“签收时限”照记录重算，到期时刻与原来的不一致")
    assert f"  没有 → 超期：1 个，{kept['number']}" in line
    assert f"没有重算：{broken['number']}，{left['why']}" in line


def command(house: World, files: dict[str, str], into: Path) -> list[str]:
    """What `huying sla backtest` says of a folder with these files."""
    folder = into / KEY
    for path, data in world.folder(KEY).files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    for path, content in files.items():
        (folder / path).write_text(content, "utf-8")
    today = str(house.now().astimezone(BEIJING).date())
    done = CliRunner().invoke(main, ["sla", "backtest", str(folder), "--from", "2026-01-01", "--to", today])
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


def test_only_what_ones_statistics_count_is_tried_and_what_may_not_be_is_refused(sqlite: db.Database) -> None:
    house = world.build(sqlite)
    signed_after(house, minutes=1)
    days = {"from": "2026-01-02", "to": "2026-01-01"}
    path = f"/processes/{KEY}/policies/backtest"

    answers = {
        "wrong days": house.post("liucheng1", path, {"key": KEY, "files": {}, **days}),
        "another process": house.post("liucheng1", path, {"key": "other", "files": {}, **days}),
        "bad file": house.post("liucheng1", path, {"key": KEY, "files": changed("PT2H", "2小时"), **days}),
        "no right": house.post("jumin1", path, {"key": KEY, "files": {}, **days}),
        "not there": house.post(
            "liucheng1", "/processes/nothing/policies/backtest", {"key": "nothing", "files": {}, **days}
        ),
    }

    assert {name: each.json["type"].rpartition("/")[2] for name, each in answers.items()} == {
        "wrong days": "backtest-refused",
        "another process": "process-differs",
        "bad file": "process-refused",
        "no right": "forbidden-action",
        "not there": "not-found",
    }
    assert tried(house, {}, "liucheng1")["cases"] == 1
    assert tried(house, {}, "xijie1")["cases"] == 0

"""Work orders from a file: checked like requests, filed once, refused line by line, never lost by a kill."""

import csv
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from app.cases.models import cases, tasks
from app.cli import main
from app.core import config, db
from app.core.clock import BEIJING
from app.core.config import REPOSITORY
from app.demo import orders, tables
from app.imports import files
from tests import world as worlds
from tests.world import World

Row = dict[str, Any]


@pytest.fixture
def bring(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`huying import work-orders …` on the world's database."""
    monkeypatch.setenv("DATABASE_URL", world.database.url)
    return lambda *words: CliRunner().invoke(main, ["import", "work-orders", *map(str, words)])


def canonical(world: World, count: int) -> list[Row]:
    plan = orders.plan("demo", "import", world.now(), 60, 1_000)
    return list(orders.orders(plan, count))


def jsonl(file: Path, rows: list[Row]) -> Path:
    tables.write_jsonl(file, rows)
    return file


def filed(**which: Any) -> int:
    with db.reading() as session:
        query = select(func.count()).select_from(cases)
        for name, value in which.items():
            query = query.where(cases.c[name] == value)
        return session.scalar(query) or 0


def report(file: Path) -> list[list[str]]:
    with file.with_name(f"{file.stem}.refused.csv").open(encoding="utf-8-sig", newline="") as table:
        return list(csv.reader(table))


# — what goes in —


def test_orders_in_canonical_names_become_cases_of_the_service(
    world: World, bring: Callable[..., Result], tmp_path: Path
) -> None:
    rows = canonical(world, 5)

    done = bring(jsonl(tmp_path / "orders.jsonl", rows))

    assert done.exit_code == 0, done.output
    assert "登记 5 件，以前登记过 0 件，不合格 0 行。" in done.output
    by_number = {case["external_no"]: case for case in world.rows(cases)}
    for row in rows:
        case = by_number[row["externalNo"]]
        assert case["source"] == "city"
        assert case["title"] == row["title"]
        assert case["place_unit"] == row["location"]["communityCode"]
        assert case["received_at"].astimezone(BEIJING).isoformat() == row["receivedAt"]
        assert case["data"]["content"] == row["content"]
        assert case["data"]["appeal"] == row["type"]
        assert case["data"]["place"] == {"lng": row["location"]["lng"], "lat": row["location"]["lat"]}
        assert row["caller"]["phone"] not in json.dumps(case["data"])


def test_bodies_of_requests_are_taken_as_they_are(
    world: World, bring: Callable[..., Result], tmp_path: Path
) -> None:
    world.publish(worlds.shipped(worlds.WORK_ORDER))
    with db.transaction() as session:
        worlds.categorise(session)
    file = tmp_path / "bodies.jsonl"
    file.write_bytes((REPOSITORY / "examples/work-orders.jsonl").read_bytes())

    done = bring(file)

    assert "登记 50 件" in done.output
    assert filed(source="city") == 50


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_says_the_same_as_json_lines(
    encoding: str, world: World, bring: Callable[..., Result], tmp_path: Path
) -> None:
    rows = canonical(world, 6)
    file = tmp_path / "orders.csv"
    tables.write_csv(file, rows)
    file.write_bytes(file.read_bytes().decode("utf-8-sig").encode(encoding))

    done = bring(file)
    again = bring(jsonl(tmp_path / "orders.jsonl", rows))

    assert "登记 6 件" in done.output, done.output
    assert ("按 GBK 读取" in done.output) == (encoding == "gb18030")
    assert "登记 0 件，以前登记过 6 件" in again.output
    stored = {case["external_no"]: case["data"]["place"] for case in world.rows(cases)}
    assert stored == {
        row["externalNo"]: {"lng": row["location"]["lng"], "lat": row["location"]["lat"]} for row in rows
    }


def test_a_table_as_people_write_it(world: World, bring: Callable[..., Result], tmp_path: Path) -> None:
    yesterday = (world.now() - timedelta(days=1)).astimezone(BEIJING)
    file = tmp_path / "手工.csv"
    file.write_text(
        "工单编号;标题;诉求内容;紧急程度;来电时间;经度;纬度;所在单位\n"
        f'A-1;路灯不亮;"坏了三天，\n第二行";一般;{yesterday:%Y/%-m/%-d %-H:%M};103.03;40.41;d1-s1-c2\n'
        ";;;;;;;\n"
        "A-2;井盖松动;响;紧急;;;;\n",
        "utf-8",
    )

    done = bring(file)

    assert "登记 2 件" in done.output, done.output
    first = world.rows(cases, external_no="A-1")[0]
    assert first["received_at"] == yesterday.replace(second=0, microsecond=0)
    assert first["data"]["content"] == "坏了三天，\n第二行"
    assert first["data"]["place"] == {"lng": 103.03, "lat": 40.41}
    assert world.rows(cases, external_no="A-2")[0]["place_unit"] == "d1"


# — what does not —


def wrong_file(world: World, tmp_path: Path) -> tuple[Path, list[Row]]:
    """Ten orders of which six are wrong, each in its own way."""
    rows = canonical(world, 10)
    rows[1] |= {"level": "凑合"}
    rows[2]["location"] |= {"communityCode": "d9"}
    rows[3] |= {"title": ""}
    rows[4] |= {"receivedAt": (world.now() + timedelta(days=1)).isoformat()}
    rows[5] |= {"content": "有\u202e反向"}
    rows[6] |= {"externalNo": rows[0]["externalNo"]}
    file = jsonl(tmp_path / "wrong.jsonl", rows)
    with file.open("a", encoding="utf-8") as more:
        more.write('{"externalNo": "X", \n[1]\n')
    return file, rows


def test_nothing_is_filed_while_a_line_is_wrong_and_every_reason_is_named(
    world: World, bring: Callable[..., Result], tmp_path: Path
) -> None:
    file, rows = wrong_file(world, tmp_path)

    done = bring(file)

    assert done.exit_code == 1
    assert filed() == 0
    assert "不合格 8 行，合格 4 件，以前登记过 0 件。一件也没有登记" in done.output
    assert [row[:3] for row in report(file)] == [
        ["行", "工单编号", "字段"],
        ["2", rows[1]["externalNo"], "紧急程度"],
        ["3", rows[2]["externalNo"], "社区编码"],
        ["4", rows[3]["externalNo"], "标题"],
        ["5", rows[4]["externalNo"], "来电时间"],
        ["6", rows[5]["externalNo"], "诉求内容"],
        ["7", rows[0]["externalNo"], "工单编号"],
        ["11", "", ""],
        ["12", "", ""],
    ]
    assert all(
        line in done.output
        for line in ("只能选：突发、紧急、一般、疑难。", "收到时间不能晚于现在。", "与第 1 行相同")
    )


def test_the_others_are_filed_when_asked_and_a_corrected_file_brings_the_rest(
    world: World, bring: Callable[..., Result], tmp_path: Path
) -> None:
    file, _ = wrong_file(world, tmp_path)

    done = bring(file, "--partial")
    corrected = bring(jsonl(file, canonical(world, 10)))

    assert done.exit_code == 1
    assert "登记 4 件，以前登记过 0 件，不合格 8 行。" in done.output
    assert "登记 6 件，以前登记过 4 件，不合格 0 行。" in corrected.output
    assert corrected.exit_code == 0
    assert not file.with_name("wrong.refused.csv").exists()
    assert filed() == 10


def test_a_dry_run_writes_nothing(world: World, bring: Callable[..., Result], tmp_path: Path) -> None:
    done = bring(jsonl(tmp_path / "orders.jsonl", canonical(world, 3)), "--dry-run")

    assert done.exit_code == 0
    assert "全部合格：可登记 3 件，以前登记过 0 件。这是预演，没有登记。" in done.output
    assert filed() == 0


def test_a_reason_cannot_become_a_formula(bring: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("工单编号,标题,主要内容,紧急程度\n=HYPERLINK(1),灯,坏了,凑合\n", "utf-8")

    bring(file)

    assert report(file)[1][1] == "'=HYPERLINK(1)"


def test_coordinates_of_another_system_are_refused_not_shifted(
    world: World, bring: Callable[..., Result], tmp_path: Path
) -> None:
    rows = canonical(world, 1)
    rows[0]["location"]["crs"] = "GCJ02"

    done = bring(jsonl(tmp_path / "orders.jsonl", rows))

    assert "坐标系：坐标系“GCJ02”尚不能换算" in done.output
    assert filed() == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xlsx", b"PK\x03\x04rest", "电子表格尚不能直接导入"),
        ("a.csv", b"PK\x03\x04rest", "电子表格尚不能直接导入"),
        ("a.xls", b"\xd0\xcf\x11\xe0", "电子表格尚不能直接导入"),
        ("a.csv", "标题".encode("utf-16"), "文件是 UTF-16 编码"),
        ("a.csv", b"", "文件是空的。"),
        ("a.csv", b"a\0b", "文件里有空字符"),
        ("a.csv", b"\xff\xff\xff", "文件既不是 UTF-8 也不是 GBK（第 1 行起读不懂）"),
        ("a.csv", "姓名,电话\n".encode(), "至少要有“工单编号”“标题”；现在是：姓名、电话。"),
        ("a.csv", "工单编号,标题,标题\n".encode(), "列名“标题”写了两次"),
        ("a.csv", "工单编号,标题\nA,b,c\n".encode(), "这一行有 3 格，列名只有 2 个"),
        ("a.csv", '工单编号,标题\nA,"b\n'.encode(), "引号没有成对"),
        ("a.csv", b" " * (files.MOST_BYTES + 1), "文件太大，最多 20 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_cannot_be_read_is_refused_in_plain_words(
    name: str, content: bytes, said: str, sqlite: db.Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    worlds.build(sqlite)
    monkeypatch.setenv("DATABASE_URL", sqlite.url)
    (tmp_path / name).write_bytes(content)

    done = CliRunner().invoke(main, ["import", "work-orders", str(tmp_path / name)])

    assert done.exit_code == 1
    assert said in done.output
    assert filed() == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--as", "nobody"], "没有叫“nobody”的来单接口账号"),
        (["--as", "paiqian1"], "没有叫“paiqian1”的来单接口账号"),
        (["--process", "nothing"], "没有名为“nothing”的流程。"),
    ],
)
def test_who_files_and_what_must_exist(
    words: list[str], said: str, world: World, bring: Callable[..., Result], tmp_path: Path
) -> None:
    done = bring(jsonl(tmp_path / "orders.jsonl", canonical(world, 1)), *words)

    assert done.exit_code == 1
    assert said in done.output


# — interruptions —


def command(database: db.Database, file: Path) -> tuple[list[str], dict[str, str]]:
    words = [sys.executable, "-m", "app.cli", "import", "work-orders", "--partial", str(file)]
    keys = str(config.settings().keys)
    return words, {
        **os.environ,
        "DATABASE_URL": database.url,
        "HUYING_PROFILE": "test",
        "HUYING_KEYS": keys,
    }


@pytest.mark.launcher
def test_a_kill_in_the_middle_loses_and_doubles_nothing(world: World, tmp_path: Path) -> None:
    rows = canonical(world, 150)
    words, environ = command(world.database, jsonl(tmp_path / "orders.jsonl", rows))
    victim = subprocess.Popen(words, env=environ, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while filed() < 10:
        assert victim.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    before = filed()

    again = subprocess.run(words, env=environ, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert 10 <= before < 150
    assert f"登记 {150 - before} 件，以前登记过 {before} 件，不合格 0 行。" in again.stdout, again.stderr
    found = world.rows(cases)
    assert {case["external_no"] for case in found} == {row["externalNo"] for row in rows}
    assert len(found) == 150
    assert len(world.rows(tasks, state="open")) == 150
    assert len({case["number"] for case in found}) == 150


@pytest.mark.launcher
def test_a_terminal_sees_how_far_it_is(sqlite: db.Database, tmp_path: Path) -> None:
    world = worlds.build(sqlite)
    words, environ = command(sqlite, jsonl(tmp_path / "orders.jsonl", canonical(world, 20)))
    ours, theirs = pty.openpty()

    done = subprocess.run(
        words, env=environ, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=theirs, text=True, check=False
    )

    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "登记" in shown
    assert "20/20" in shown
    assert config.settings().profile == "test"

"""Dated categories: what may be chosen when, what an import changes, and that nothing is ever deleted."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select

from app.audit.streams import audit_stream
from app.categories import catalogue
from app.categories.category_file import CategoriesRefused, read_categories
from app.categories.importing import CategoriesScheduled, load_folder
from app.categories.kept import Category, table_of
from app.categories.models import categories
from app.core import clock, db
from tests.categories.conftest import SMALL, load
from tests.world import BPMN

NEW_YEAR = datetime(2025, 12, 31, 16, tzinfo=UTC)  # midnight in Beijing


def at(moment: datetime, code: str) -> Category | None:
    with db.reading() as session:
        return table_of(session, "city_12345").at(code, moment)


def now() -> datetime:
    with db.reading() as session:
        return clock.now(session)


def later() -> None:
    """A second goes by: SQLite tells milliseconds only."""
    with db.transaction() as session:
        clock.pass_time(session, timedelta(seconds=1))


def codes(report_part: list[Any]) -> list[str]:
    return [each.code for each in report_part]


def rows() -> int:
    with db.reading() as session:
        return int(session.scalar(select(func.count()).select_from(categories)))


def test_a_category_may_be_chosen_with_the_names_above_it(table: str) -> None:
    lamp = at(now(), "010101")
    upper = at(now(), "01")

    assert lamp is not None
    assert upper is not None
    assert (lamp.name, lamp.level, lamp.leaf) == ("路灯不亮", 3, True)
    assert lamp.codes == ("01", "0101", "010101")
    assert lamp.full_name == "城市管理 / 公用设施 / 路灯不亮"
    assert (upper.leaf, upper.names) == (False, ("城市管理",))
    assert at(now(), "10") == Category("city_12345", "10", "教育", True, ("10",), ("教育",))
    assert at(now(), "99") is None


def test_a_category_is_chosen_from_its_day_on_and_not_before(table: str) -> None:
    assert at(NEW_YEAR, "010101") is not None
    assert at(NEW_YEAR - timedelta(microseconds=1), "010101") is None


def test_a_table_is_read_once_and_again_after_an_import(table: str) -> None:
    moment = now()
    with db.reading() as session:
        table_of(session, "city_12345")
        with counted(session.connection.engine) as sent:
            lamp = table_of(session, "city_12345").at("010101", moment)
            nothing = table_of(session, "another").at("010101", moment)
    later()
    load(table.replace("路灯不亮", "路灯故障"))
    later()
    renamed = at(now(), "010101")

    assert lamp is not None
    assert nothing is None
    assert len(sent) == 2
    assert renamed is not None
    assert renamed.name == "路灯故障"
    assert at(moment, "010101") == lamp


@contextmanager
def counted(engine: Any) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_importing_the_same_again_changes_nothing(table: str) -> None:
    before = rows()

    report = load(table)

    assert report.nothing
    assert report.unchanged == before == rows() == 6


def test_an_import_tells_what_it_added_ended_renamed_moved_and_reworded(table: str) -> None:
    earlier = now()
    later()
    text = (
        table.replace('          - {code: "010102", name: 井盖缺损}\n', "")
        .replace("路灯不亮, keywords: [路灯, 照明]", "路灯故障, keywords: [路灯]")
        .replace('      - {code: "0102", name: 园林绿化}\n', "")
        .replace("教育}", "教育, keywords: [学校]}")
    )
    text += '  - code: "02"\n    name: 生态\n    children:\n      - {code: "0102", name: 园林绿化}\n'

    dry = load(text, dry_run=True)
    assert at(now(), "010102") is not None
    report = load(text)

    assert report.added == dry.added
    assert (codes(report.added), codes(report.ended)) == (["02"], ["010102"])
    (renamed,) = report.renamed
    assert (renamed.code, renamed.name, renamed.was) == ("010101", "路灯故障", "路灯不亮")
    (moved,) = report.moved
    assert (moved.code, moved.was) == ("0102", "01")
    assert codes(report.reworded) == ["10"]
    assert report.unchanged == 2
    assert at(now(), "010102") is None
    green = at(now(), "0102")
    assert green is not None
    assert green.names == ("生态", "园林绿化")
    then = at(earlier, "010101")
    assert then is not None
    assert then.name == "路灯不亮"
    assert rows() == 6 + 3  # one added, one renamed, one moved; what ended is still there


def test_a_change_written_for_a_day_to_come_waits_for_that_day(table: str) -> None:
    day = (now() + timedelta(days=40)).date()
    planned = table.replace("2026-01-01", day.isoformat()).replace("路灯不亮", "路灯故障")

    load(planned)

    today, then = at(now(), "010101"), at(now() + timedelta(days=41), "010101")
    assert today is not None
    assert then is not None
    assert (today.name, then.name) == ("路灯不亮", "路灯故障")
    assert load(table).nothing  # what is in force now is still what the old file says
    with pytest.raises(CategoriesScheduled, match=day.isoformat()):
        load(table.replace("教育", "教学"))
    corrected = load(planned.replace("路灯故障", "路灯失修"))
    assert codes(corrected.renamed) == ["010101"]
    then = at(now() + timedelta(days=41), "010101")
    assert then is not None
    assert then.name == "路灯失修"


def test_a_day_in_the_past_never_rewrites_what_could_be_chosen(table: str) -> None:
    before = now()
    later()
    load(table.replace("2026-01-01", "2026-01-05").replace("井盖缺损", "井盖损坏"))

    then = at(before, "010102")
    assert then is not None
    assert then.name == "井盖缺损"


def test_a_code_that_was_ended_may_begin_again(table: str) -> None:
    without = table.replace("  - {code: 10, name: 教育}\n", "")
    load(without)
    gap = now()
    later()
    load(table)

    assert at(gap, "10") is None
    assert at(now(), "10") is not None


def test_a_search_below_a_category_knows_what_ever_lay_there(table: str) -> None:
    load(table.replace('          - {code: "010102", name: 井盖缺损}\n', ""))

    with db.reading() as session:
        found = set(session.execute(catalogue.codes_below("city_12345", "0101")).scalars())
        whole = set(session.execute(catalogue.codes_below("city_12345", "01")).scalars())
        none = set(session.execute(catalogue.codes_below("city_12345", "0")).scalars())

    assert found == {"0101", "010101", "010102"}
    assert whole == found | {"01", "0102"}
    assert none == set()


def test_every_import_that_changed_something_is_in_the_audit(table: str) -> None:
    load(table)
    load(table.replace("教育", "教学"))

    with db.reading() as session:
        told = session.execute(
            select(audit_stream.c.subject, audit_stream.c.data)
            .where(audit_stream.c.kind == "categories.imported")
            .order_by(audit_stream.c.seq)
        ).all()
    assert [row.subject for row in told] == ["city_12345"] * 2
    assert '"renamed":1' in told[-1].data


@pytest.mark.parametrize(
    ("change", "by", "words"),
    [
        ("name: 教育}", "title: 教育}", "不认识“title”"),
        ("code: 10,", "code: 0101,", "编码“0101”写了两次"),
        ("name: 园林绿化", "name: 公用设施", "同一级里“公用设施”写了两次"),
        ('"010102"', '"01 02"', "字母或数字开头"),
        ("from: 2026-01-01", "from: 2026-02-30", "没有“2026-02-30”这一天"),
        ("from: 2026-01-01", "since: 2026-01-01", "不认识“since”"),
        ("table: city_12345", "table: 城市", "小写字母开头"),
        ("categories:", "categorie:", "缺少“categories”"),
        ("keywords: [路灯, 照明]", "keywords: 路灯", "应为列表"),
        ("categories:", "categories: &a", "&"),
    ],
)
def test_a_fault_in_the_file_is_named_with_its_line(change: str, by: str, words: str) -> None:
    assert change in SMALL

    with pytest.raises(CategoriesRefused) as refused:
        read_categories("city_12345.yaml", SMALL.replace(change, by, 1).encode())

    assert words in str(refused.value)
    assert "city_12345.yaml" in str(refused.value)


def test_seven_levels_are_refused() -> None:
    text = "table: deep\nname: 深\ncategories:\n"
    for depth in range(7):
        text += f"{'  ' * (2 * depth + 1)}- code: c{depth}\n{'  ' * (2 * depth + 2)}name: 第{depth}级\n"
        text += f"{'  ' * (2 * depth + 2)}children:\n" if depth < 6 else ""

    with pytest.raises(CategoriesRefused, match="最多 6 级"):
        read_categories("deep.yaml", text.encode())


def test_the_shipped_table_has_three_levels_and_can_be_chosen_from(database: db.Database) -> None:
    with db.transaction() as session:
        report = next(each for each in load_folder(session, BPMN) if each.table == "city_12345")

    with db.reading() as session:
        levels = [
            len(
                catalogue.page(
                    session,
                    "city_12345",
                    clock.now(session),
                    parent=None,
                    level=level,
                    words=None,
                    limit=500,
                    after=None,
                )
            )
            for level in (1, 2, 3)
        ]
    assert (report.table, levels) == ("city_12345", [12, 40, 119])
    lamp = at(datetime(2026, 3, 2, tzinfo=UTC), "120201")
    assert lamp is not None
    assert lamp.full_name == "城市管理 / 公用设施 / 路灯不亮"

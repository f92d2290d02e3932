"""Words: what is kept of a text, what a question asks for, and that both databases find the same."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.cases.search import index, words
from app.cases.search.index import case_search
from app.core import db
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role


def kept(text: str) -> list[Any]:
    return list(words.of_text(text))


def test_chinese_is_kept_in_pairs_and_the_rest_whole() -> None:
    assert kept("幸福里") == ["幸福", "福里", "里", None]
    assert kept("3号楼") == ["3", None, "号楼", "楼", None]
    assert kept("路灯，不亮") == ["路灯", "灯", None, "不亮", "亮", None]
    assert kept("ＡＢ－12") == ["ab12", None, "ab", None, "12", None]
    assert kept("!?…  ") == []


def test_numbers_of_telephones_and_identities_are_no_words_of_a_text() -> None:
    assert kept("电话10912345678，证件号110199199001011234") == [
        "电话",
        "话",
        None,
        "证件",
        "件号",
        "号",
        None,
    ]
    assert "123452026030200001" in list(words.of_name("12345-20260302-00001"))


def test_a_question_becomes_phrases_and_beginnings() -> None:
    assert words.terms("幸福里 BJ-20") == [
        words.Term(("幸福", "福里")),
        words.Term(("bj20",), prefix=True),
    ]
    assert words.terms("灯") == [words.Term(("灯",), prefix=True)]
    assert words.terms("。 ,") == []
    assert len(words.terms(" ".join(f"w{i}" for i in range(20)))) == words.MOST_TERMS
    assert (words.single("灯"), words.single("路灯"), words.single(" a ")) == ("灯", None, "a")


def found(question: str) -> set[str]:
    with db.reading() as session:
        return set(
            session.execute(select(case_search.c.case_id).where(index.holds(words.terms(question)))).scalars()
        )


def test_a_case_is_found_by_every_word_of_its_title_text_number_and_place(world: World) -> None:
    lamp = world.file(title="幸福里3号楼前路灯不亮", external_no="BJ-2026-000123").case
    world.file(title="井盖缺损", answers={"content": "里福街边，井盖松动", "level": "一般"})
    number = lamp["number"]

    for question in (
        "幸福",
        "福里",
        "幸福里",
        "路灯",
        "不亮",
        "路灯不亮",
        "3号楼",
        "号楼 路灯",
        number,
        "BJ-2026",
        "bj2026000123",
        "000123",
        "乙社区 路灯",
    ):
        assert found(question) == {lamp["id"]}, question
    for question in ("福幸", "里路灯", "亮路", "BJ-2027", "路灯 井盖", "乙街"):
        assert found(question) == set(), question
    assert len(found("乙社区")) == len(found(number[:-2])) == 2


def test_a_phrase_does_not_reach_across_the_end_of_a_sentence(world: World) -> None:
    world.file(title="幸福，福里")

    assert found("幸福里") == set()
    assert len(found("福里")) == 1


def test_words_that_a_database_would_read_as_its_own_are_only_words(world: World) -> None:
    case = world.file(title="and or not near 幸福").case

    for question in ("and", "or not", "NEAR", "幸福 AND near"):
        assert found(question) == {case["id"]}, question
    for question in ("' | 幸福", '"幸福" OR *', "幸福:*", "(幸福)", "!幸福", "-幸福", "幸福\\"):
        assert found(question) in ({case["id"]}, set()), question


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_no_question_at_all_breaks_the_search(question: str) -> None:
    for term in words.terms(question):
        assert not any(set(token) & set("'\"\\&|!<>():*^+- \t\n") for token in term.tokens), question


def test_every_pair_of_neighbours_in_any_text_is_found(database: db.Database) -> None:
    world = worlds.build(database)
    text = "龘靐齉齾爩鱻麤龗㐀㐁𠀀𠀁々〇幸福里路灯坏了三天没人修"
    case = world.file(title=text).case

    for size in (2, 3, 5):
        for start in range(len(text) - size + 1):
            assert found(text[start : start + size]) == {case["id"]}, text[start : start + size]


def test_words_follow_when_a_step_changes_the_text_and_only_then(database: db.Database) -> None:
    drawing = Drawing("texts").start().end()
    drawing.task("one", by_role() + ' camunda:formKey="one"', outcomes="完成").task(
        "two", by_role(), outcomes="完成"
    )
    drawing.line("start", "one", "two", "end")
    form = "title: 补充\nfields:\n  - {name: content}\n"
    world = worlds.build(database, worlds.bundle_of("texts", drawing, forms={"one": form}))
    filed = world.file(process="texts", title="树木")
    before = kept_row(world, filed.case["id"])

    moved = world.complete("paiqian1", filed.opened[0], answers={"content": "压断电线"})
    with worlds.statements(database) as sent:
        world.complete("paiqian1", moved.opened[0])

    assert found("电线") == found("树木 压断") == {filed.case["id"]}
    assert kept_row(world, filed.case["id"]) != before
    assert [line for line in sent if "case_search" in line] == []


def kept_row(world: World, case_id: str) -> Row:
    return world.rows(case_search, case_id=case_id)[0]


def test_the_words_can_be_built_anew_in_batches(world: World) -> None:
    cases = [world.file(title=f"路灯{i}号").case["id"] for i in range(5)]
    with db.transaction() as session:
        session.execute(case_search.delete())
    assert found("路灯") == set()

    done, after = 0, ""
    while True:
        with db.transaction() as session:
            count, after = index.rebuild(session, after, 2)
        if not count:
            break
        done += count

    assert done == 5
    assert found("路灯") == set(cases)


@pytest.mark.parametrize("form", ["content"])
def test_a_text_of_ten_thousand_characters_fits(world: World, form: str) -> None:
    long = "".join(chr(0x4E00 + (i * 7919) % 20000) for i in range(9990)) + "结尾的话"
    case = world.file(answers={form: long, "level": "一般"}).case

    assert found("结尾的话") == {case["id"]}

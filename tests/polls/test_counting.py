"""What is voted on as people write it, and counting: pure functions, held against a count done by hand."""

from collections import Counter
from fractions import Fraction
from itertools import product

import pytest

from app.polls import tally
from app.polls.errors import PollRefused
from app.polls.matters import Matter, read_matters

YES_NO = Matter(1, "甲事", ("赞成", "反对"))


@pytest.mark.parametrize(
    ("line", "title", "options", "most"),
    [
        ("是否加装电梯", "是否加装电梯", ("赞成", "反对"), 1),
        ("选哪个方案：方案一、方案二", "选哪个方案", ("方案一", "方案二"), 1),
        ("选委员: 甲，乙；丙/丁（最多2项）", "选委员", ("甲", "乙", "丙", "丁"), 2),
        ("选委员：甲、乙、丙（最多选 3 项）", "选委员", ("甲", "乙", "丙"), 3),
        ("选委员：甲、乙、丙（多选）", "选委员", ("甲", "乙", "丙"), 3),
        ("同不同意：同意、不同意、弃权", "同不同意", ("同意", "不同意"), 1),
        ("三号楼（北侧）怎么办：留、拆", "三号楼（北侧）怎么办", ("留", "拆"), 1),
    ],
)
def test_a_line_is_a_matter(line: str, title: str, options: tuple[str, ...], most: int) -> None:
    (matter,) = read_matters([line])

    assert (matter.title, matter.options, matter.most) == (title, options, most)


def test_lines_of_a_text_are_matters_too() -> None:
    assert [each.title for each in read_matters("甲事\n\n乙事：一、二\n")] == ["甲事", "乙事"]


@pytest.mark.parametrize(
    "said",
    [
        [],
        [""],
        None,
        [1],
        ["：一、二"],
        ["甲：一"],
        ["甲：一、一"],
        ["甲：一、二（最多3项）"],
        ["甲：一、二（最多0项）"],
        ["甲", "甲"],
        ["甲" * 201],
        ["甲：" + "一" * 61 + "、二"],
        [f"第{i}项" for i in range(21)],
    ],
)
def test_what_cannot_be_voted_on_is_refused(said: object) -> None:
    with pytest.raises(PollRefused):
        read_matters(said)


@pytest.mark.parametrize(
    "passes", ["over 1/2 of voted", "least 2/3 of voted", "over 50% of eligible", "most"]
)
def test_every_way_to_vote_of_four_is_counted_as_by_hand(passes: str) -> None:
    eligible = 5
    for said in product((0, 1, 2), repeat=4):
        ballots = [(1, bytes([i] * 16), choice) for i, choice in enumerate(said)]

        (counted,) = tally.count([YES_NO], ballots, passes, len(said), eligible)

        yes, no = Counter(said)[1], Counter(said)[2]
        enough = {
            "over 1/2 of voted": yes > Fraction(4, 2),
            "least 2/3 of voted": yes >= Fraction(8, 3),
            "over 50% of eligible": yes > Fraction(5, 2),
            "most": True,
        }[passes]
        assert dict(counted.votes) == {1: yes, 2: no, 0: 4 - yes - no}
        assert counted.passed is (yes > no and enough)


@pytest.mark.parametrize(
    ("said", "voted", "met"),
    [("", 0, True), ("3", 2, False), ("3", 3, True), ("1/2", 3, True), ("1/2", 2, False), ("60%", 3, False)],
)
def test_a_quorum_is_a_number_or_a_share_of_those_who_may(said: str, voted: int, met: bool) -> None:
    assert tally.quorum_met(said, voted, eligible=6) is met


@pytest.mark.parametrize("said", ["half", "2/1", "0/2", "1/0", "0%", "120%", "-1", "１/２"])
def test_a_quorum_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(PollRefused):
        tally.read_quorum(said)


def test_the_digest_is_the_same_in_whatever_order_the_list_is_read() -> None:
    ballots = [(1, b"b" * 16, 2), (1, b"a" * 16, 1), (2, b"a" * 16, 0)]

    assert tally.digest(ballots) == tally.digest(ballots[::-1]) != tally.digest(ballots[1:])

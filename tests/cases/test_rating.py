"""评价 by the reporter: his step opens in his list, he rates once, and who is not satisfied is on a list."""

from threading import Barrier, Thread
from typing import Any

import pytest

from app.bundles.forms import AnswersRefused
from app.cases import filing, inbox, tasks
from app.cases.commands import NewCase
from app.cases.errors import (
    AlreadyRated,
    CannotRevoke,
    CaseBusy,
    CaseSuspended,
    NothingToRate,
    OutcomeUnknown,
    ProcessUnknown,
    ReporterUnknown,
    UnitNotSelectable,
)
from app.cases.models import incidents
from app.cases.models import tasks as task_rows
from app.cases.rating import service as rating
from app.cases.resting import service as resting
from app.core import db
from app.core.errors import Forbidden, NotFound, Problem
from tests import world as worlds
from tests.world import Row, World

REQUEST = "resident_request"
GOOD = {"stars": 5, "satisfied": "满意"}
BAD = {"stars": 1, "satisfied": "不满意", "comment": "没有修好"}


@pytest.fixture
def town(database: db.Database) -> World:
    return worlds.build(database, worlds.shipped(REQUEST))


def filed(town: World, by: str = "jumin1", **about: Any) -> Row:
    """A request that lies with the community: its task 办理."""
    usual = {"place_unit": "d1-s1-c1", "answers": {"content": "门锁坏了"}, "title": "门锁坏了"}
    return town.file(by, REQUEST, **{**usual, **about}).opened[0]


def handled(town: World, **about: Any) -> Row:
    """A request that waits for its rating: the task 评价."""
    task = filed(town, **about)
    return town.complete("jia1", task, "办结", {"result": "已换锁"}).opened[0]


def rate(town: World, who: str, case_id: str, answers: Row = GOOD, **more: Any) -> Any:
    return rating.rate(town.actor(who), case_id, answers, **more)


def unsatisfied(town: World, who: str) -> list[str]:
    counted = inbox.counts(town.actor(who))["unsatisfied"]["count"]
    rows = town.inbox(who, "unsatisfied")
    assert counted == len(rows)
    return [row["case_id"] for row in rows]


def test_the_step_of_the_reporter_opens_on_his_desk_and_on_nobody_elses(town: World) -> None:
    task = handled(town)

    assert task["pools"] == [f"person:{town.actor('jumin1').id}"]
    assert town.rows(incidents) == []
    assert [row["id"] for row in town.inbox("jumin1")] == [task["id"]]
    assert all(task["id"] not in [r["id"] for r in town.inbox(who)] for who in ("jia1", "jumin2", "paiqian1"))
    with pytest.raises(Forbidden):
        town.complete("jia1", task, "评价", GOOD)


def test_a_rating_moves_the_case_and_is_told(town: World) -> None:
    task = handled(town)

    moved = rate(town, "jumin1", task["case_id"])

    assert (moved.case["state"], moved.case["end_element"]) == ("closed", "closed")
    told = town.get("jia1", f"/cases/{task['case_id']}/timeline").json["items"][-1]["events"]
    assert "已评价" in [event["text"] for event in told]
    assert town.case(task["case_id"])["data"]["stars"] == 5


def test_what_is_not_asked_cannot_be_rated_and_nothing_is_rated_twice(town: World) -> None:
    task = filed(town)
    with pytest.raises(NothingToRate):
        rate(town, "jumin1", task["case_id"])
    town.complete("jia1", task, "办结", {"result": "已换锁"})
    rate(town, "jumin1", task["case_id"])

    with pytest.raises(AlreadyRated) as twice:
        rate(town, "jumin1", task["case_id"])

    assert "when" in twice.value.extra


@pytest.mark.parametrize(
    ("answers", "outcome", "error"),
    [
        ({}, None, AnswersRefused),
        ({"stars": 0, "satisfied": "满意"}, None, AnswersRefused),
        ({"stars": "5", "satisfied": "满意"}, None, AnswersRefused),
        ({"stars": 5, "satisfied": "很好"}, None, AnswersRefused),
        ({**GOOD, "result": "改写办理结果"}, None, AnswersRefused),
        ({**GOOD, "status": "已办结"}, None, AnswersRefused),
        ({"stars": 1, "satisfied": "不满意"}, None, AnswersRefused),
        (GOOD, "满意", OutcomeUnknown),
    ],
)
def test_a_wrong_rating_changes_nothing(
    town: World, answers: Row, outcome: str | None, error: type[Problem]
) -> None:
    task = handled(town)
    before = town.case(task["case_id"])

    with pytest.raises(error):
        rate(town, "jumin1", task["case_id"], answers, outcome=outcome)

    assert town.case(task["case_id"]) == before


def test_nobody_else_rates_it(town: World) -> None:
    case = handled(town)["case_id"]

    with pytest.raises(NotFound):
        rate(town, "jumin2", case)
    for who in ("jia1", "paiqian1"):
        with pytest.raises(Forbidden):
            rate(town, who, case)


def test_a_suspended_case_is_rated_once_it_goes_on(town: World) -> None:
    case = handled(town)["case_id"]
    resting.suspend(town.actor("duban1"), case, "核实", town.case(case)["revision"])
    with pytest.raises(CaseSuspended):
        rate(town, "jumin1", case)
    resting.resume(town.actor("duban1"), case, "核实完毕", town.case(case)["revision"])

    assert rate(town, "jumin1", case).case["state"] == "closed"


def test_of_two_ratings_at_once_one_counts(town: World) -> None:
    case, gate, told = handled(town)["case_id"], Barrier(2), []
    town.actor("jumin1")

    def try_it(answers: Row) -> None:
        gate.wait()
        try:
            rate(town, "jumin1", case, answers)
            told.append(answers)
        except (AlreadyRated, CaseBusy) as problem:
            told.append(problem.slug)

    both = [Thread(target=try_it, args=(answers,)) for answers in (GOOD, BAD)]
    for each in both:
        each.start()
    for each in both:
        each.join()

    (counted,) = [each for each in told if isinstance(each, dict)]
    assert {"already-rated"} == {each for each in told if isinstance(each, str)}
    assert town.case(case)["data"]["stars"] == counted["stars"]
    assert len(town.rows(task_rows, case_id=case, step="rate")) == 1


@pytest.mark.parametrize(
    ("answers", "listed"),
    [
        (BAD, True),
        ({"stars": 2, "satisfied": "基本满意"}, True),
        ({"stars": 5, "satisfied": "不满意", "comment": "慢"}, True),
        ({"stars": 3, "satisfied": "基本满意"}, False),
    ],
)
def test_who_is_not_satisfied_is_on_the_list_of_those_in_scope(
    town: World, answers: Row, listed: bool
) -> None:
    case = handled(town)["case_id"]

    rate(town, "jumin1", case, answers)

    found = [case] if listed else []
    assert unsatisfied(town, "jia1") == unsatisfied(town, "duban1") == found
    assert unsatisfied(town, "ding1") == []  # another community


@pytest.mark.requirement("TKX-096")
def test_a_better_rating_after_another_round_takes_it_off_the_list(town: World) -> None:
    case = handled(town)["case_id"]
    again = rate(town, "jumin1", case, BAD).opened[0]
    assert unsatisfied(town, "jia1") == [case]

    once_more = town.complete("jia1", again, "重新办理").opened[0]
    assert unsatisfied(town, "jia1") == [case]
    town.complete("jia1", once_more, "办结", {"result": "换了新锁"})
    rate(town, "jumin1", case)

    assert unsatisfied(town, "jia1") == []


def test_a_case_filed_for_a_resident_opens_the_step_for_him(town: World) -> None:
    task = handled(town, by="jia1", reporter="jumin1")

    assert task["pools"] == [f"person:{town.actor('jumin1').id}"]
    assert town.case(task["case_id"])["data"]["reporter"] == "jumin1"
    assert rate(town, "jumin1", task["case_id"]).case["state"] == "closed"


def test_without_a_reporter_the_step_falls_to_the_community_with_an_incident(town: World) -> None:
    task = handled(town, by="jia1")

    assert task["pools"] == ["handler@d1/d1-s1/d1-s1-c1"]
    (incident,) = town.rows(incidents)
    assert (incident["kind"], incident["element"]) == ("pool-empty", "rate")
    town.complete("jia1", task, "评价", GOOD)


@pytest.mark.parametrize("reporter", ["jumin4", "paiqian1", "nobody", "city"])
def test_only_a_resident_of_ones_own_communities_can_be_named(town: World, reporter: str) -> None:
    with pytest.raises(ReporterUnknown):
        filed(town, by="jia1", reporter=reporter)


def test_a_resident_files_in_his_own_communities_only(town: World) -> None:
    at_home = town.file("jumin2", REQUEST, place_unit=None, answers={"content": "楼道堆物"}).case

    assert (at_home["place_unit"], at_home["source"]) == ("d1-s1-c1", "resident")
    assert at_home["reporter_id"] == town.actor("jumin2").id
    for place in ("d1-s2-c1", "d1-s1", "d1", "nowhere"):
        with pytest.raises(UnitNotSelectable):
            filed(town, by="jumin1", place_unit=place)
    with pytest.raises(ReporterUnknown):
        filed(town, by="jumin1", reporter="jumin2")


def test_a_resident_files_only_what_is_open_for_residents(town: World) -> None:
    town.publish(worlds.folder(worlds.WORK_ORDER))

    with pytest.raises(ProcessUnknown):
        filing.file_case(town.actor("jumin1"), NewCase(worlds.WORK_ORDER, "路灯不亮"))


def test_a_disabled_reporter_is_nobody(town: World) -> None:
    task = filed(town)
    with db.transaction() as session:
        from sqlalchemy import update

        from app.identity.models import people

        session.execute(update(people).where(people.c.login == "jumin1").values(state="disabled"))

    opened = town.complete("jia1", task, "办结", {"result": "已换锁"}).opened[0]

    assert opened["pools"] == ["handler@d1/d1-s1/d1-s1-c1"]
    assert [row["kind"] for row in town.rows(incidents)] == ["pool-empty"]


def test_of_merged_requests_the_one_that_stays_is_rated_by_its_own_reporter(town: World) -> None:
    from app.cases import moves

    stays, goes = filed(town), filed(town, by="jumin2", place_unit="d1-s1-c1")
    moves.merge(
        town.actor("paiqian1"),
        goes["case_id"],
        stays["case_id"],
        "同一把锁",
        town.case(goes["case_id"])["revision"],
    )
    opened = town.complete("jia1", stays, "办结", {"result": "已换锁"}).opened[0]

    assert opened["pools"] == [f"person:{town.actor('jumin1').id}"]
    with pytest.raises(NothingToRate) as merged:
        rate(town, "jumin2", goes["case_id"])
    assert "合并" in (merged.value.detail or "")
    rate(town, "jumin1", stays["case_id"])
    assert town.case(goes["case_id"])["state"] in ("closed", "merged")


def test_the_reporter_takes_it_back_only_while_nobody_has_begun(town: World) -> None:
    first, second = filed(town), filed(town)
    town.claim("jia1", second)

    assert resting.revoke(town.actor("jumin1"), first["case_id"], "已经好了").case["state"] != "active"
    with pytest.raises(CannotRevoke):
        resting.revoke(town.actor("jumin1"), second["case_id"], "不用了")
    with pytest.raises(NotFound):
        resting.revoke(town.actor("jumin2"), second["case_id"], "不是我的")


def test_a_resident_sees_no_task_and_no_form_of_staff(town: World) -> None:
    mine, others = filed(town), filed(town, by="jumin2", place_unit="d1-s1-c1")

    with pytest.raises(Forbidden):
        town.claim("jumin1", mine)
    for act in (
        lambda: town.claim("jumin1", others),
        lambda: tasks.form_of(town.actor("jumin1"), others["id"]),
    ):
        with pytest.raises(NotFound):
            act()

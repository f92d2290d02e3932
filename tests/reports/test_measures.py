"""Measures of a bundle: what an administrator writes down is counted, compared, ranked, and leads to its cases."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from app.bundles.files import BundleFiles
from app.core import db
from app.core.clock import BEIJING
from app.processes.check import check_files
from app.reports import schemas
from tests import world as worlds
from tests.cases.test_shapes import misfits
from tests.categories.conftest import SMALL, load
from tests.reports.conftest import TREES, Office, counted_order
from tests.world import PLACE, WORK_ORDER

MEASURES = """
measures:
  all: {label: 全部, unit: count}
  solved_rate:
    {label: 解决率, unit: rate, says: 报结的里面解决的, denominator: done("handle"), numerator: solved}
  urgent_open: {label: 在办紧急, unit: count, numerator: 'level in ["突发", "紧急"] and state() == "active"'}
  on_time: {label: 按时率, unit: rate, denominator: met("total") or late("total") or overdue("total"),
            numerator: met("total")}
  half: {label: 过半, unit: count, numerator: 'reached("total", "half")'}
  archived: {label: 已归档, unit: count, numerator: ended("archived") and status() == "已归档"}
  stars: {label: 平均星级, unit: mean, value: stars, rank: {least: 2, prior: 2}}
  progress: {label: 节点完成率, unit: rate, value: 'weight * min(actual / 10, 1)', over: weight}
  score: {label: 综合得分, unit: score, weights: {solved_rate: 0.4, progress: 0.6}, rank: {least: 2}}
  hours: {label: 办理时长, unit: duration, value: 'hours(received_at, finished("handle", "报结"))'}
"""
NAMES = """
  stars: {type: int, label: 星级}
  weight: {type: int, label: 权重}
  actual: {type: int, label: 实绩}
"""


def measured(measures: str = MEASURES) -> BundleFiles:
    """The small work order with ratings, and measures over them."""
    files = dict(counted_order().files)
    text = files["process.yaml"].decode()
    text = text.replace("data:\n", f"data:{NAMES}", 1)
    text = text.replace("facts: [", "facts: [stars, weight, actual, ")
    text = text.replace("clock: total}", "clock: total, person: handle}")
    files["process.yaml"] = (text + measures).encode()
    files["forms/handle.yaml"] += b"  - {name: stars}\n  - {name: weight}\n  - {name: actual}\n"
    files["sla.yaml"] += "  - {key: half, clock: total, at: 50%, label: 过半, colour: yellow}\n".encode()
    return BundleFiles(WORK_ORDER, files)


class House(Office):
    """The district with what tests of measures do all the time."""

    def rated(
        self,
        unit: str = "d1-cgw",
        *,
        solved: bool = True,
        by: str = "",
        place_unit: str = PLACE,
        **numbers: int,
    ) -> Any:
        """An order handled with these numbers: its open task 审核."""
        by = by or ("cgw1" if unit == "d1-cgw" else "zjw1")
        task = self.complete(by, self.order(unit, place_unit=place_unit), "签收").opened[0]
        why = {} if solved else {"unsolved_why": "要等材料"}
        answers = {"contacted": True, "solved": solved, "result": "已修", **why, **numbers}
        return self.complete(by, task, "报结", answers).opened[0]

    def measured(self, path: str = "", who: str = "duban1", **asked: Any) -> Any:
        """`GET /reports/work_order_12345` for the days around now."""
        today = self.now().astimezone(BEIJING).date()
        days = {"from": str(today - timedelta(days=30)), "to": str(today)}
        return self.get(who, f"/reports/{WORK_ORDER}{path}?{urlencode({**days, **asked}, doseq=True)}")

    def value(self, measure: str, **asked: Any) -> tuple[Any, Any, Any]:
        """Numerator, denominator and value of a total."""
        answer = self.measured(**asked)
        assert answer.status_code == 200, answer.json
        number = answer.json["total"][measure]
        return number["numerator"], number["denominator"], number["value"]


@pytest.fixture
def house(database: db.Database) -> House:
    world = worlds.build(database, measured())
    load(SMALL)
    return House(world.database)


def test_what_a_bundle_measures_is_counted_and_each_number_leads_to_its_cases(house: House) -> None:
    house.rated(solved=True, weight=2, actual=5)
    house.rated(solved=False, weight=1, actual=40)
    house.wait(days=8)
    house.order()
    house.file(answers={"content": "井盖丢了", "level": "紧急"})

    answer = house.measured(period="received")

    assert misfits(schemas.FiguresOut(), answer.json) == []
    assert misfits(schemas.ReportsOut(), house.get("duban1", "/reports").json) == []
    total = answer.json["total"]
    told = {key: (each["numerator"], each["denominator"]) for key, each in total.items()}
    assert told["all"] == (4, None)
    assert told["solved_rate"] == (1, 2)
    assert told["on_time"] == (0, 2), "two stand past their time, two have it still"
    assert total["progress"]["value"] == round((2 * 0.5 + 1) / 3, 4)
    assert (total["progress"]["percent"], total["progress"]["cases"]) == (66.67, 2)
    assert told["urgent_open"] == (1, None)
    for key, number in told.items():
        for part, count in zip(("numerator", "denominator"), number, strict=True):
            if key in ("stars", "progress", "hours") or count is None:
                continue
            behind = house.measured("/cases", measure=key, part=part, period="received").json
            assert len(behind["items"]) == count, (key, part)


def test_times_of_steps_clocks_and_ends_are_measured(house: House) -> None:
    task = house.order()
    house.wait(hours=5)
    task = house.complete("cgw1", task, "签收").opened[0]
    answers = {"contacted": True, "solved": True, "result": "已修好"}
    task = house.complete("cgw1", task, "报结", answers).opened[0]
    task = house.complete("shenhe1", task, "通过").opened[0]
    house.complete("paiqian1", task, "归档")

    hours = house.value("hours")

    assert abs(hours[2] - 5) < 0.01
    assert house.value("archived") == (1, None, 1)
    assert house.value("on_time") == (1, 1, 1)


@pytest.mark.requirement("TKX-100", "TKX-101", "TKX-102")
def test_numbers_are_grouped_by_unit_class_person_fact_and_time(house: House) -> None:
    house.rated(stars=5)
    house.rated("d1-zjw", stars=1)
    house.order("d1-cgw", TREES)

    def groups(by: str, **more: str) -> dict[tuple[Any, ...], int]:
        found = house.measured(by=by, **more).json["groups"]
        return {
            tuple(each["name"] for each in group["by"].values()): group["numbers"]["all"]["numerator"]
            for group in found
        }

    assert groups("unit") == {("城管委",): 2, ("住建委",): 1}
    assert list(groups("unit", unitTier="district").values()) == [3]
    assert groups("category") == {("路灯不亮",): 2, ("园林绿化",): 1}
    people = groups("person")
    assert (sum(people.values()), people[("（无人办过）",)], len(people)) == (3, 1, 3)
    today = house.now().astimezone(BEIJING).date()
    assert groups("day") == {(str(today),): 3}
    assert groups("week") == {(str(today - timedelta(days=today.weekday())),): 3}
    first = str(today.replace(day=1))
    assert groups("month,fact.solved") == {(first, "true"): 2, (first, "-"): 1}
    one = house.measured("/cases", measure="all", by="fact.solved,person", group=["-", "-"]).json
    assert [each["category"] for each in one["items"]] == [f"city_12345/{TREES}"]


def test_means_are_ranked_with_their_number_and_too_few_have_no_place(house: House) -> None:
    for stars in (4, 4):
        house.rated("d1-cgw", stars=stars)
    house.rated("d1-zjw", stars=5)

    answer = house.measured(by="unit", rank="stars").json

    first, second = answer["groups"]
    assert (first["by"]["unit"]["key"], first["numbers"]["stars"]["value"]) == ("d1-cgw", 4)
    overall = 13 / 3
    assert first["rank"] == {"score": round((2 * round(overall, 4) + 8) / 4, 4), "place": 1, "says": None}
    assert (second["rank"]["place"], second["rank"]["says"]) == (None, "样本不足")
    assert second["numbers"]["stars"]["cases"] == 1


def test_a_score_weighs_rates_shows_its_parts_and_ranks_ties_alike(house: House) -> None:
    for place in ("d1-s1-c1", "d1-s1-c2"):
        house.rated(place_unit=place, solved=True, weight=1, actual=5)
        house.rated(place_unit=place, solved=False, weight=3, actual=5)
    house.rated(place_unit="d1-s2-c1", weight=1, actual=10)

    answer = house.measured(by="place", rank="score").json

    assert misfits(schemas.FiguresOut(), answer) == []
    first, second, thin = answer["groups"]
    assert [first["rank"]["place"], second["rank"]["place"]] == [1, 1]
    assert (thin["rank"]["score"], thin["rank"]["place"], thin["rank"]["says"]) == (100, None, "样本不足")
    score = first["numbers"]["score"]
    assert (score["value"], score["cases"]) == (100 * (0.4 * 1 / 2 + 0.6 * 2 / 4), 2)
    told = [
        (p["measure"], p["weight"], p["numerator"], p["denominator"], p["points"]) for p in score["parts"]
    ]
    assert told == [("solved_rate", 0.4, 1, 2, 20), ("progress", 0.6, 2, 4, 30)]
    assert answer["total"]["solved_rate"]["parts"] is None
    refused = house.measured("/cases", measure="score", part="denominator")
    assert refused.status_code == 422
    assert "solved_rate（解决率）、progress（节点完成率）" in refused.json["errors"][0]["message"]
    assert house.measured("/table", by="unit").text.splitlines()[0].count("综合得分") == 3


@pytest.mark.requirement("BS-057", "BS-067", "BS-078", "BS-079")
def test_a_level_shows_the_mean_of_its_cases_and_the_mean_of_its_units(house: House) -> None:
    for place, stars in (("d1-s1-c1", 5), ("d1-s1-c2", 1), ("d1-s1-c2", 1), ("d1-s2-c1", 4)):
        house.rated(stars=stars, place_unit=place)

    def level(tier: str, who: str = "duban1") -> dict[str, Any]:
        found = house.measured(who=who, by="place", unitTier=tier).json["groups"]
        stars = {each["by"]["place"]["key"]: each["numbers"]["stars"] for each in found}
        return {key: (each["value"], each["meanOfMeans"], each["cases"]) for key, each in stars.items()}

    assert level("community") == {"d1-s1-c1": (5, 5, 1), "d1-s1-c2": (1, 1, 2), "d1-s2-c1": (4, 4, 1)}
    assert level("street") == {"d1-s1": (2.3333, 3, 3), "d1-s2": (4, 4, 1)}
    assert level("district") == {"d1": (2.75, 3.3333, 4)}


def test_a_period_is_compared_with_the_one_before_and_new_is_said_where_there_was_none(house: House) -> None:
    house.order("d1-cgw")
    house.wait(days=31)
    house.order("d1-cgw")
    house.order("d1-cgw")
    house.order("d1-zjw")

    answer = house.measured(by="unit", compare="previous").json

    told = {each["by"]["unit"]["key"]: each["numbers"]["all"] for each in answer["groups"]}
    assert (told["d1-cgw"]["before"], told["d1-cgw"]["change"]) == (
        1,
        {"by": 1, "percent": 100.0, "says": None},
    )
    assert told["d1-zjw"]["change"] == {"by": 1, "percent": None, "says": "新增"}
    assert answer["total"]["all"]["change"]["by"] == 2
    assert house.measured(compare="year").json["total"]["all"]["change"]["says"] == "新增"


def test_a_report_is_downloaded_as_a_table_without_formulas(house: House) -> None:
    house.rated(stars=4)
    with db.transaction() as session:
        session.execute(worlds.units.update().where(worlds.units.c.code == "d1-cgw").values(name="=1+1"))

    answer = house.measured("/table", by="unit")

    lines = answer.text.lstrip("\ufeff").split("\r\n")
    assert answer.mimetype == "text/csv"
    assert lines[0].startswith("单位,全部（分子）,全部（分母）,全部,解决率（分子）")
    assert lines[1].startswith("'=1+1,1,")
    assert lines[2].startswith("合计,1,")


def test_a_new_definition_counts_old_cases_and_shows_its_version(house: House) -> None:
    house.rated(stars=3)
    changed = MEASURES.replace("numerator: solved}", "numerator: not solved}")

    house.publish(measured(changed))

    answer = house.measured().json
    assert answer["total"]["solved_rate"]["numerator"] == 0
    assert {each["key"]: each["version"] for each in answer["measures"]}["solved_rate"] == 2


def test_a_unit_sees_its_own_numbers_and_who_has_no_right_none(house: House) -> None:
    house.rated("d1-cgw")
    house.rated("d1-zjw")

    assert house.value("all", who="cgw1")[0] == 1
    assert house.measured(who="shenji1").status_code == 403
    assert house.measured(rank="beauty").status_code == 422
    assert house.measured("/cases", measure="all", by="unit").status_code == 422
    assert house.get("duban1", "/reports/online_nothing?from=2026-01-01&to=2026-01-02").status_code == 404


@pytest.mark.parametrize(
    ("measure", "says"),
    [
        ("unit: rate, numerator: beauty", "beauty"),
        ("unit: rate, numerator: contacted", "不在 facts 里"),
        ('unit: rate, numerator: met("totl")', "没有时钟“totl”；有 total、sign（是不是 total？）"),
        ('unit: rate, numerator: \'reached("total", "m9")\'', "没有档（时钟 total）“m9”"),
        ('unit: rate, numerator: done("handel")', "没有环节“handel”"),
        ('unit: rate, numerator: ended("gone")', "没有结束事件“gone”"),
        ("unit: rate, numerator: 'level == \"很急\"'", "不会是“很急”；可以是 突发、紧急、一般、疑难"),
        ("unit: rate, numerator: solved > 3", "是否与数不能比"),
        ("unit: rate, numerator: stars", "应当成立或不成立"),
        ("unit: rate", "两样只写一样"),
        ("unit: mean", "平均要写 value"),
        ("unit: mean, value: level", "应当是一个数"),
        ("unit: count, denominator: solved", "件数没有分母"),
        ("unit: apples", "unit"),
        ("unit: score", "得分要写 weights"),
        ("unit: score, weights: {odd: 1}", "“odd”（怪，不是比率）不是本流程的比率"),
        ("unit: score, weights: {od: 0.5}", "加起来要等于 1，现在是 0.5"),
        ("unit: score, weights: {od: 很重}", "权重要大于 0"),
        ("unit: score, numerator: solved, weights: {od: 1}", "没有自己的分子"),
        ("unit: rate, numerator: solved, weights: {odd: 1}", "只有得分（unit: score）写 weights"),
    ],
)
def test_a_measure_that_cannot_be_counted_is_refused_at_its_line(measure: str, says: str) -> None:
    files = measured(f"measures:\n  odd: {{label: 怪, {measure}}}\n")

    checked = check_files(files)

    lines = files.files["process.yaml"].decode().count("\n")
    found = [each.zh for each in checked.findings if each.level == "error"]
    assert any(says in each and f"第 {lines} 行" in each for each in found), found

"""加分、扣分: two people for an entry, in the score of one whole unit, kept by the month that was frozen."""

from typing import Any

from app.audit import streams
from app.audit.streams import audit_stream
from app.core.clock import BEIJING
from app.reports import freezing, points_schemas
from tests.cases.test_shapes import misfits
from tests.reports.test_measures import House, house
from tests.reports.test_months import kept, month_of, next_month
from tests.world import WORK_ORDER

__all__ = ["house"]
BOOK = f"/reports/{WORK_ORDER}/points"


def entry(house: House, **other: Any) -> Any:
    given = {"measure": "score", "unit": "d1-cgw", "points": -2.5, "reason": "督办没有反馈", **other}
    return house.post("duban1", BOOK, {"day": str(house.now().astimezone(BEIJING).date()), **given})


def decide(house: House, which: str, who: str = "lingdao1", **said: Any) -> Any:
    return house.post(who, f"{BOOK}/{which}/decide", {"granted": True, **said})


def test_points_count_in_the_score_of_a_whole_unit_once_somebody_else_granted_them(house: House) -> None:
    case = house.rated(weight=1, actual=10)["case_id"]
    house.rated(weight=1, actual=10)
    house.rated("d1-zjw", weight=1, actual=10)
    month = month_of(house)
    taken, given, odd = (entry(house, points=each, case=case).json["id"] for each in (-2.5, 1, 5))

    def score(**asked: str) -> tuple[Any, Any, Any]:
        first = house.measured(by="unit", **asked).json["groups"][0]["numbers"]["score"]
        return first["value"], first["added"], first["taken"]

    waiting = score()
    granted = [decide(house, each) for each in (taken, given)]
    refused = decide(house, odd, granted=False, opinion="不属实")

    assert waiting == (100, 0, 0)
    assert [each.status_code for each in (*granted, refused)] == [200, 200, 200]
    assert misfits(points_schemas.PointsOut(), granted[0].json) == []
    assert score() == (98.5, 1, 2.5)
    ranked = house.measured(by="unit", rank="score").json["groups"]
    assert [each["rank"]["score"] for each in ranked] == [98.5, 100]
    assert score(where="fact.level:一般") == (100, None, None), "of a part of the unit's work nothing is told"
    total = house.measured().json["total"]["score"]
    assert (total["value"], total["added"]) == (100, None)
    listed = house.get("cgw1", f"{BOOK}?state=granted&unit=d1-cgw").json
    assert misfits(points_schemas.PointsPage(), listed) == []
    assert [(each["points"], each["case"], each["decidedBy"]) for each in listed["items"]] == [
        (1, case, "区领导甲"),
        (-2.5, case, "区领导甲"),
    ]
    assert house.get("zjw1", f"{BOOK}?state=granted").json["items"] == [], "of one's own units alone"

    next_month(house)
    freezing.catch_up()
    withdrawn = house.post("lingdao1", f"{BOOK}/{taken}/revoke", {"reason": "申诉成立"})

    assert (withdrawn.json["state"], withdrawn.json["revokedBy"]) == ("revoked", "区领导甲")
    frozen = kept(house, month, "?by=unit").json["groups"][0]["numbers"]["score"]
    assert (frozen["value"], frozen["taken"]) == (98.5, 2.5), "what was frozen stays"
    (differing,) = kept(house, month, "/differences").json["items"]
    assert (differing["then"]["value"], differing["now"]["value"]) == (98.5, 101)
    assert [each["cause"] for each in differing["causes"]] == ["points"]
    kinds = [row["kind"] for row in house.rows(audit_stream, stream=streams.ADMIN)]
    assert [kinds.count(f"points.{each}") for each in ("entered", "granted", "refused", "revoked")] == [
        3,
        2,
        1,
        1,
    ]


def test_who_may_not_and_what_makes_no_sense_is_refused(house: House) -> None:
    which = entry(house).json["id"]

    def code(**wrong: Any) -> str:
        answer = entry(house, **wrong)
        assert answer.status_code == 422, answer.json
        return answer.json["errors"][0]["pointer"]

    own = decide(house, which, "duban1")
    silent = decide(house, which, granted=False)
    early = house.post("lingdao1", f"{BOOK}/{which}/revoke", {"reason": "弄错了"})

    assert (own.status_code, own.json["permission"]) == (403, "score:approve")
    assert (silent.status_code, early.status_code) == (422, 409)
    wrong = [{"points": 0}, {"points": 0.125}, {"points": 101}, {"measure": "stars"}, {"day": "2100-01-01"}]
    assert [code(**each) for each in wrong] == ["/points", "/points", "/points", "/measure", "/day"]
    assert entry(house, unit="nowhere").status_code == 404
    assert entry(house, case="nothing").status_code == 404
    assert house.post("cgw1", BOOK, {}).status_code == 422
    assert decide(house, which).status_code == 200
    assert decide(house, which).status_code == 409, "once"
    assert decide(house, "nothing").status_code == 404

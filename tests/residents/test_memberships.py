"""居民注册、加入社区、审核: real names sealed, several communities, one decision for many, moving without a gap."""

from threading import Barrier, Thread
from typing import Any

import pytest

from app.audit.streams import audit_stream
from app.identity import memberships as rows
from app.identity.memberships import memberships
from app.identity.models import people
from app.identity.residents import residents
from app.notices.models import notices
from app.residents import reviewing
from app.residents.reviewing import MembershipDecided
from tests.world import Row, World

JIA, YI, DING = "d1-s1-c1", "d1-s1-c2", "d1-s2-c1"
PERSON = {
    "login": "jumin9",
    "password": "demo-jumin9x",
    "realName": "王居民",
    "phone": "10000000009",
    "idNumber": "110199197004040048",
    "unit": JIA,
    "household": "registered",
    "tenure": "tenant",
    "address": "3号楼2单元101",
}
ID_NUMBERS = ("110199198001010016", "110199198502020028", "110199199003030031")


def register(town: World, **about: Any) -> Any:
    """Nobody is signed in yet."""
    return town.app.test_client().post("/api/v1/residents", json={**PERSON, **about})


def apply(town: World, by: str, unit: str, **about: Any) -> Row:
    answer = town.post(by, "/my/memberships", {"unit": unit, **about})
    assert answer.status_code == 201, answer.json
    return answer.json


def pending(town: World, by: str = "jia1") -> list[Row]:
    return town.get(by, "/memberships?state=pending").json["items"]


def member(town: World, login: str, unit: str) -> bool:
    from app.core import db
    from app.identity import org

    with db.reading() as session:
        found = org.unit_by_code(session, unit)
        assert found is not None
        return rows.is_member(session, town.actor(login).id, found.path, town.now())


@pytest.mark.requirement("BS-322")
def test_who_registers_tells_name_and_document_and_is_signed_in_but_no_member_yet(town: World) -> None:
    answer = register(town)

    assert answer.status_code == 201, answer.json
    assert (answer.json["person"]["kind"], answer.json["person"]["name"]) == ("resident", "王**")
    assert answer.json["membership"]["state"] == "pending"
    assert not member(town, "jumin9", JIA)
    mine = town.app.test_client().get(
        "/api/v1/my/profile", headers={"Authorization": f"Bearer {answer.json['token']}"}
    )
    assert mine.json["realName"] == "王居民"
    for missing in ("realName", "idNumber", "phone"):
        without = {name: value for name, value in PERSON.items() if name != missing}
        refused = town.app.test_client().post("/api/v1/residents", json={**without, "login": "jumin8"})
        assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, f"/{missing}")


def test_who_somebody_is_lies_nowhere_in_the_open(town: World) -> None:
    register(town)

    (sealed,) = town.rows(residents)
    told = str(town.rows(people)) + str(town.rows(memberships)) + str(sealed) + str(town.rows(audit_stream))
    for secret in ("王居民", "10000000009", "110199197004040048", "2单元101"):
        assert secret not in told


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"idNumber": "110199197004040049"}, 422, "idcard-invalid"),
        ({"idNumber": "1101991970040400"}, 422, "idcard-invalid"),
        ({"phone": "123"}, 422, "phone-invalid"),
        ({"realName": "<b>"}, 422, "name-invalid"),
        ({"password": "short"}, 422, "password-short"),
        ({"unit": "d1-s1"}, 422, "community-unknown"),
        ({"unit": "nowhere"}, 422, "community-unknown"),
        ({"login": "Has Space"}, 422, "pattern"),
        ({"login": "paiqian1"}, 409, "login-taken"),
        ({"kind": "person"}, 422, "unknown-field"),
        ({"household": "户籍"}, 422, "not-a-choice"),
    ],
)
def test_a_wrong_registration_makes_no_account(town: World, change: Row, status: int, code: str) -> None:
    before = len(town.rows(people))

    answer = register(town, **change)

    assert (answer.status_code, answer.json["errors"][0]["code"]) == (status, code)
    assert len(town.rows(people)) == before


def test_one_document_has_one_account_and_one_address_a_few_tries(town: World) -> None:
    register(town)

    again = register(town, login="jumin8")
    tried = [register(town, login=f"jumin8{i}", idNumber=ID_NUMBERS[i % 3]) for i in range(4)]

    assert (again.status_code, again.json["type"]) == (409, "/problems/already-registered")
    assert [each.status_code for each in tried] == [201, 201, 201, 429]
    assert int(tried[-1].headers["Retry-After"]) > 0


def test_the_same_person_registering_twice_at_once_has_one_account(town: World) -> None:
    gate, told = Barrier(2), []

    def one(login: str) -> None:
        gate.wait()
        told.append(register(town, login=login).status_code)

    both = [Thread(target=one, args=(login,)) for login in ("jumin8", "jumin9")]
    for each in both:
        each.start()
    for each in both:
        each.join()

    assert sorted(told) in ([201, 409], [201, 503])
    assert len(town.rows(residents)) == 1


def test_a_worker_reviews_the_own_community_covered_and_looks_only_with_a_reason(town: World) -> None:
    register(town)

    (asked,) = pending(town)
    whole = town.post("jia1", f"/memberships/{asked['id']}/reveal", {"reason": "与证件核对"})

    shown = (asked["realName"], asked["phone"], asked["idNumber"], asked["name"])
    assert shown == ("王**", "100****0009", "110***********0048", "王**")
    assert pending(town, "ding1") == []
    assert (whole.json["realName"], whole.json["address"]) == ("王居民", "3号楼2单元101")
    (looked,) = town.rows(audit_stream, stream="reveal")
    assert (looked["kind"], looked["actor_id"]) == ("resident.revealed", town.actor("jia1").id)
    assert [row["id"] for row in town.get("jia1", "/memberships?phone=0009").json["items"]] == [asked["id"]]
    assert town.get("jia1", "/memberships?phone=0008").json["items"] == []


def test_approval_makes_a_member_from_now_on_and_tells_him(town: World) -> None:
    register(town)
    (asked,) = pending(town)
    before = town.now()

    approved = town.post("jia1", f"/memberships/{asked['id']}/approve", {})

    assert (approved.status_code, approved.json["state"]) == (200, "approved")
    assert member(town, "jumin9", JIA)
    (row,) = town.rows(memberships, id=asked["id"])
    assert row["valid_from"] >= before
    assert row["valid_to"] is None
    (notice,) = town.rows(notices, person_id=town.actor("jumin9").id)
    assert notice["text"] == "您加入甲社区的申请已通过"


def test_a_refusal_needs_a_reason_which_the_applicant_reads(town: World) -> None:
    asked = apply(town, "jumin3", JIA)

    silent = town.post("jia1", f"/memberships/{asked['id']}/refuse", {"reason": ""})
    refused = town.post("jia1", f"/memberships/{asked['id']}/refuse", {"reason": "地址不在本社区"})

    assert silent.status_code == 422
    assert refused.json["state"] == "rejected"
    mine = town.get("jumin3", "/my/memberships").json["items"]
    assert (mine[0]["state"], mine[0]["reason"]) == ("rejected", "地址不在本社区")
    assert not member(town, "jumin3", JIA)
    assert apply(town, "jumin3", JIA)["state"] == "pending"  # and may ask again


def test_of_two_reviewers_at_once_one_decides_and_the_other_is_told(town: World) -> None:
    asked = apply(town, "jumin3", JIA)
    town.appoint("ding1", "worker", JIA)
    gate, told = Barrier(2), []
    from app.core import db

    def one(who: str, yes: bool) -> None:
        gate.wait()
        try:
            with db.transaction() as session:
                told.append(reviewing.decide(session, actors[who], asked["id"], yes, "不符")["state"])
        except MembershipDecided as problem:
            told.append(problem.slug)

    actors = {who: town.actor(who) for who in ("jia1", "ding1")}
    both = [Thread(target=one, args=each) for each in (("jia1", True), ("ding1", False))]
    for each in both:
        each.start()
    for each in both:
        each.join()

    (row,) = town.rows(memberships, id=asked["id"])
    assert sorted(told) == sorted([row["state"], "membership-decided"])
    assert row["revision"] == 2


def test_the_same_decision_again_is_the_same_answer_and_another_one_is_told_who_decided(town: World) -> None:
    asked = apply(town, "jumin3", JIA)
    path = f"/memberships/{asked['id']}"

    first, again = (town.post("jia1", f"{path}/approve", {}) for _ in range(2))
    other = town.post("jia1", f"{path}/refuse", {"reason": "不符"})

    assert first.json == again.json
    assert (other.status_code, other.json["who"]) == (409, "甲社区社工")
    assert len([row for row in town.rows(audit_stream) if row["kind"] == "membership.approved"]) == 1


@pytest.mark.requirement("XC-091")
def test_many_are_decided_at_once_each_with_an_answer_of_its_own(town: World) -> None:
    asked = [apply(town, who, JIA)["id"] for who in ("jumin3", "jumin4")]
    elsewhere = apply(town, "jumin3", DING)["id"]
    gone = apply(town, "jumin4", YI)
    town.post("jia1", f"/memberships/{asked[1]}/refuse", {"reason": "不符"})
    items = [*asked, elsewhere, gone["id"], "nothing-has-this-id"]

    answer = town.post("jia1", "/memberships/review", {"decision": "approve", "items": items}, key="many")
    replayed = town.post("jia1", "/memberships/review", {"decision": "approve", "items": items}, key="many")

    assert (answer.json["done"], answer.json["refused"]) == (1, 4)
    assert [each["status"] for each in answer.json["results"]] == [200, 409, 404, 404, 404]
    assert replayed.data == answer.data
    assert member(town, "jumin3", JIA)
    assert not member(town, "jumin4", JIA)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"decision": "approve", "items": []}, "/items"),
        ({"decision": "perhaps", "items": ["x"]}, "/decision"),
        ({"decision": "approve", "items": ["x"] * 501}, "/items"),
        ({"items": ["x"]}, "/decision"),
    ],
)
def test_a_wrong_batch_decides_nothing(town: World, body: Row, pointer: str) -> None:
    answer = town.post("jia1", "/memberships/review", body)

    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.requirement("XC-112")
def test_one_person_belongs_to_several_communities_at_once(town: World) -> None:
    asked = apply(town, "jumin1", DING)
    town.post("ding1", f"/memberships/{asked['id']}/approve", {})

    assert member(town, "jumin1", JIA)
    assert member(town, "jumin1", DING)
    answer = town.post("jumin1", "/my/memberships", {"unit": DING})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/already-member")


def test_nobody_collects_communities(town: World) -> None:
    for unit in (YI, "d1-s1-c3", DING, "d1-s2-c2"):
        apply(town, "jumin1", unit)

    answer = town.post("jumin1", "/my/memberships", {"unit": "d1-s2-c3"})

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/memberships-enough")


@pytest.mark.requirement("XC-107")
def test_who_moves_applies_anew_and_stays_a_member_until_the_new_community_agrees(town: World) -> None:
    (old,) = town.get("jumin1", "/my/memberships").json["items"]
    asked = apply(town, "jumin1", DING, moves=old["id"])

    assert [row["id"] for row in pending(town, "ding1")] == [asked["id"]]
    assert pending(town, "jia1") == []
    assert member(town, "jumin1", JIA)
    town.post("ding1", f"/memberships/{asked['id']}/approve", {})

    assert member(town, "jumin1", DING)
    assert not member(town, "jumin1", JIA)
    assert "jumin1" not in [
        row["login"] for row in town.get("jia1", "/memberships?state=approved").json["items"]
    ]
    (left,) = town.rows(memberships, id=old["id"])
    (came,) = town.rows(memberships, id=asked["id"])
    assert left["valid_to"] == came["valid_from"]  # without a gap, and never both


def test_a_refused_move_changes_nothing(town: World) -> None:
    (old,) = town.get("jumin1", "/my/memberships").json["items"]
    asked = apply(town, "jumin1", DING, moves=old["id"])

    town.post("ding1", f"/memberships/{asked['id']}/refuse", {"reason": "不符"})

    assert member(town, "jumin1", JIA)
    stranger = town.post("jumin4", "/my/memberships", {"unit": JIA, "moves": old["id"]})
    assert (stranger.status_code, stranger.json["type"]) == (409, "/problems/membership-over")


def test_who_leaves_was_a_member_until_then(town: World) -> None:
    (old,) = town.get("jumin1", "/my/memberships").json["items"]
    then = town.now()
    town.wait(days=1)

    left = town.post("jumin1", f"/my/memberships/{old['id']}/leave", {"reason": "已搬走"})
    again = town.post("jumin1", f"/my/memberships/{old['id']}/leave", {})

    assert left.json["items"][0]["state"] == again.json["items"][0]["state"] == "ended"
    assert not member(town, "jumin1", JIA)
    (row,) = town.rows(memberships, id=old["id"])
    assert row["valid_to"] > then
    assert town.post("jumin2", f"/my/memberships/{old['id']}/leave", {}).status_code == 404


def test_an_application_that_is_taken_back_never_held(town: World) -> None:
    asked = apply(town, "jumin1", DING)

    town.post("jumin1", f"/my/memberships/{asked['id']}/leave", {})
    town.wait(days=1)

    assert not member(town, "jumin1", DING)
    late = town.post("ding1", f"/memberships/{asked['id']}/approve", {})
    assert (late.status_code, late.json["type"]) == (409, "/problems/membership-decided")


@pytest.mark.requirement("XC-097")
def test_a_resident_whom_a_worker_enters_needs_no_review(town: World) -> None:
    body = {name: value for name, value in PERSON.items() if name != "password"}

    answer = town.post("jia1", "/memberships", body)

    assert answer.status_code == 201, answer.json
    assert (answer.json["state"], answer.json["enteredByWorker"]) == ("approved", True)
    assert member(town, "jumin9", JIA)
    (sealed,) = town.rows(residents)
    assert sealed["registered_by"] == town.actor("jia1").id
    assert town.post("jia1", "/memberships", {**body, "unit": DING, "login": "jumin8"}).status_code == 403


def test_a_worker_ends_a_membership_for_a_reason(town: World) -> None:
    (row,) = [r for r in town.get("jia1", "/memberships").json["items"] if r["login"] == "jumin1"]

    silent = town.post("jia1", f"/memberships/{row['id']}/end", {"reason": " "})
    ended = town.post("jia1", f"/memberships/{row['id']}/end", {"reason": "已搬离"})

    assert silent.status_code == 422
    assert (ended.json["state"], ended.json["reason"]) == ("ended", "已搬离")
    assert not member(town, "jumin1", JIA)


@pytest.mark.parametrize("act", ["", "/approve", "/refuse", "/end", "/reveal"])
def test_memberships_elsewhere_are_not_there_and_who_may_not_is_told_so(town: World, act: str) -> None:
    asked = apply(town, "jumin3", JIA)["id"]

    def ask(who: str) -> int:
        if not act:
            return town.get(who, f"/memberships/{asked}").status_code
        return town.post(
            who, f"/memberships/{asked}{act}", {} if act == "/approve" else {"reason": "x"}
        ).status_code

    assert (ask("ding1"), ask("cgw1"), ask("jumin3")) == (404, 403, 403)


def test_production_leaves_registering_to_the_workers(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from app.core import config
    from app.residents import persons

    monkeypatch.setattr(persons, "settings", lambda: replace(config.settings(), profile="production"))

    answer = register(town)

    assert (answer.status_code, answer.json["type"]) == (403, "/problems/registration-closed")

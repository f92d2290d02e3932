"""Who acts for whom: set up by oneself or an administrator, refused where it would lead astray, ended early."""

import threading
from datetime import timedelta
from typing import Any

from app.audit.streams import ADMIN, audit_stream
from app.identity.models import people, substitutions
from app.notices.models import notices
from tests.substitutes.conftest import stands_in, wanted
from tests.world import World

BY = "liucheng1"


def refused(answer: Any) -> tuple[int, str, list[str]]:
    return (
        answer.status_code,
        answer.json["type"].removeprefix("/problems/"),
        [each["code"] for each in answer.json.get("errors") or ()],
    )


def test_a_substitute_is_set_up_by_the_person_told_to_both_and_kept_in_the_stream(world: World) -> None:
    answer = stands_in(world, "cgw2", "cgw1", processes=["work_order_12345"])

    shown = answer.json
    assert (shown["person"]["login"], shown["substitute"]["login"], shown["state"]) == (
        "cgw1",
        "cgw2",
        "current",
    )
    assert shown["processes"] == ["work_order_12345"]
    mine = world.get("cgw1", "/substitutions").json["items"]
    for_me = world.get("cgw2", "/substitutions?view=forMe&state=current").json["items"]
    assert [each["id"] for each in mine] == [each["id"] for each in for_me] == [shown["id"]]
    assert world.get("cgw2", "/substitutions").json["items"] == []
    (kept,) = world.rows(audit_stream, stream=ADMIN, kind="substitution.set")
    assert (kept["actor_id"], kept["subject"]) == (world.actor("cgw1").id, shown["id"])
    (told,) = world.rows(notices, kind="substitution")
    assert told["person_id"] == world.actor("cgw2").id
    assert "代理城管委值班员，原因：休假" in told["text"]


def test_an_administrator_sets_up_for_others_and_sees_all_of_them(world: World) -> None:
    body = wanted(world, "zjw1", person="cgw1")

    answer = world.post(BY, "/substitutions", body)

    assert answer.status_code == 201
    assert answer.json["setBy"] == world.actor(BY).id
    found = world.get(BY, "/substitutions?view=all").json["items"]
    assert [each["id"] for each in found] == [answer.json["id"]]
    assert refused(world.get("cgw1", "/substitutions?view=all"))[:2] == (403, "forbidden-action")
    without = world.post("cgw2", "/substitutions", body)
    assert (without.status_code, without.json["permission"]) == (403, "substitution:manage")


def test_who_may_not_act_for_somebody_is_said_in_plain_words(world: World) -> None:
    world.change(people, world.actor("cgw2").id, state="disabled")
    now = world.now()

    def asked(substitute: str = "dongjie1", by: str = "paiqian1", **more: Any) -> tuple[int, str, list[str]]:
        return refused(world.post(by, "/substitutions", wanted(world, substitute, **more)))

    assert asked("paiqian1") == (422, "substitution-refused", ["substitute-self"])
    assert asked("cgw2") == (422, "substitution-refused", ["person-disabled"])
    assert asked("paiqian1", BY, person="cgw2") == (422, "substitution-refused", ["person-disabled"])
    for nobody in ("city", "jumin1", "nobody", "lingdao1", "guancha1"):  # the last two complete no tasks
        assert asked(nobody) == (422, "substitution-refused", ["person-not-selectable"])
    assert asked("zjw1", "cgw1") == (
        422,
        "substitution-refused",
        ["person-not-selectable"],
    )  # beside, not above
    assert asked("paiqian1", "lingdao1") == (422, "substitution-refused", ["person-has-no-tasks"])
    past = (now - timedelta(hours=1)).isoformat()
    assert asked(until=past) == (422, "substitution-refused", ["date-in-past"])
    late = (now + timedelta(days=8)).isoformat()
    assert asked(**{"from": late}) == (422, "substitution-refused", ["until-before-from"])
    far = (now + timedelta(days=400)).isoformat()
    assert asked(until=far) == (422, "substitution-refused", ["too-long"])
    assert asked(processes=["no_such"]) == (422, "substitution-refused", ["process-unknown"])
    assert asked(processes=[]) == (422, "substitution-refused", ["required"])
    assert world.rows(substitutions) == []


def test_two_at_once_for_the_same_work_are_refused_and_so_is_a_substitute_of_a_substitute(
    world: World,
) -> None:
    stands_in(world, "paiqian2", "paiqian1", processes=["work_order_12345"])

    overlap = world.post("paiqian1", "/substitutions", wanted(world, "dongjie1"))
    onwards = world.post("paiqian2", "/substitutions", wanted(world, "dongjie1"))
    through = world.post("dongjie1", "/substitutions", wanted(world, "paiqian1"))

    assert refused(overlap)[:2] == (409, "substitution-overlap")
    assert "已由派遣员乙代理派遣员甲" in overlap.json["detail"]
    assert refused(onwards)[:2] == (409, "substitution-chain")
    assert refused(through)[:2] == (409, "substitution-chain")
    later = (world.now() + timedelta(days=30)).isoformat()
    afterwards = {"from": (world.now() + timedelta(days=8)).isoformat(), "until": later}
    assert stands_in(world, "dongjie1", "paiqian1", **afterwards).json["state"] == "coming"


def test_it_ends_early_by_either_of_both_once_and_for_nobody_else(world: World) -> None:
    first = stands_in(world, "cgw2", "cgw1").json["id"]
    why = {"reason": "提前返岗"}

    stranger = world.post("zjw1", f"/substitutions/{first}/end", why)
    ended = world.post("cgw2", f"/substitutions/{first}/end", why, key="end")
    again = world.post("cgw2", f"/substitutions/{first}/end", why, key="end")
    twice = world.post("cgw1", f"/substitutions/{first}/end", why)

    assert stranger.status_code == 404
    assert (ended.status_code, ended.json["state"], ended.json["endReason"]) == (200, "ended", "提前返岗")
    assert again.json == ended.json
    assert refused(twice)[:2] == (409, "substitution-over")
    second = stands_in(world, "cgw2", "cgw1").json["id"]  # its time is free again
    assert world.post(BY, f"/substitutions/{second}/end", why).status_code == 200
    assert len(world.rows(audit_stream, stream=ADMIN, kind="substitution.ended")) == 2


def test_two_that_are_set_up_at_once_never_both_hold(on_postgresql: World) -> None:
    world, answers = on_postgresql, []
    bodies = [("paiqian1", "paiqian2"), ("paiqian2", "paiqian1")]
    for person, _ in bodies:
        world.token(person)
    start = threading.Barrier(2)

    def ask(person: str, substitute: str) -> None:
        start.wait()
        answers.append(world.post(person, "/substitutions", wanted(world, substitute)).status_code)

    threads = [threading.Thread(target=ask, args=each) for each in bodies]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(answers) == [201, 409]

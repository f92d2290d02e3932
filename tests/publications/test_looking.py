"""Who looked at what is shown: counted once a day, forgotten afterwards, and never in the way."""

from typing import Any

import pytest

from app.publications import looking
from app.publications.models import readers, reads
from tests.publications.conftest import ONE, TWO, WATCHER, WORKER, Activity


def test_a_person_who_looks_counts_once_a_day_and_is_forgotten(
    activity: Activity, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = activity.world
    for who in (ONE, ONE, TWO, WATCHER, WORKER, WORKER):
        activity.seen(who)
    first = activity.seen(WORKER)["reads"]
    world.wait(days=1)
    activity.seen(ONE)
    world.wait(days=1)
    looking.sum_up()
    kept = {row["people"] for row in world.rows(reads)}, len(world.rows(readers))
    second = activity.seen(WORKER)["reads"]

    def lost(*_: Any) -> Any:
        raise TimeoutError

    monkeypatch.setattr(looking, "transaction", lost)
    in_the_way = activity.seen(TWO)["title"]

    assert (first, kept, second) == (3, ({3}, 1), 4)
    assert (in_the_way, activity.seen(WORKER)["reads"]) == ("重阳敬老", 4)


def test_what_is_hidden_is_read_by_nobody(activity: Activity) -> None:
    activity.go("下架")

    assert activity.seen(WATCHER)["reads"] == 0


def test_an_objection_stands_with_the_form_of_the_step_that_decides_it(activity: Activity) -> None:
    activity.post(TWO, "comments", {"text": "很好"})
    activity.post(ONE, "objections", {"text": "太吵，电话 10000000002。"})

    form = activity.world.get(WORKER, f"/tasks/{activity.task['id']}/form").json

    ((code, text, asks),) = ((each["code"], each["text"], each["asks"]) for each in form["prompts"])
    assert (code, asks) == ("objection", False)
    assert text.startswith("居民甲提出异议：太吵，电话 ")
    assert "10000000002" not in text

"""Where known products lose a task: returns out of parallel parts and votes, 加签 and then 退回, two 或签 at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app.cases import firing, moves
from app.cases.errors import CaseBusy, TaskDone
from app.cases.handing import service as handing
from app.cases.models import tasks as task_rows
from app.clocks.models import timers
from app.core import db
from tests import world as worlds
from tests.cases.test_handing_on import fresh, sound
from tests.cases.test_signers import of_item, signing, steps
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

ROLE = by_role()


def returned(world: World, who: str, task: Row, to: str) -> None:
    seen = fresh(world, task)["revision"]
    moves.give_back(world.actor(who), task["id"], to, "重来", seen)


def opened(world: World, step: str) -> Row:
    (row,) = [row for row in world.rows(task_rows, step=step) if row["state"] in ("open", "claimed")]
    return row


def test_a_return_out_of_a_parallel_branch_leaves_one_way_on(database: db.Database) -> None:
    drawing = (
        Drawing("forked").start().task("first", ROLE).both("split").both("join").task("last", ROLE).end()
    )
    drawing.task("a", ROLE).task("b", ROLE).line("start", "first", "split").line("join", "last", "end")
    drawing.line("split", "a", "join").line("split", "b", "join")
    world = worlds.build(database, worlds.bundle_of("forked", drawing))
    case = world.file(process="forked").case
    world.complete("paiqian1", opened(world, "first"))
    world.complete("paiqian1", opened(world, "a"))  # one branch has arrived already

    returned(world, "paiqian1", opened(world, "b"), "first")

    assert steps(world) == ["first"]
    sound(world)
    for step in ("first", "a", "b", "last"):
        world.complete("paiqian1", opened(world, step))
        sound(world)
    assert world.case(case["id"])["state"] == "closed"


def test_a_return_inside_a_vote_asks_everybody_anew(database: db.Database) -> None:
    world = signing(database, ["d1-cgw", "d1-zjw"])
    world.complete("cgw1", of_item(world, "d1-cgw"), "同意")

    returned(world, "zjw1", of_item(world, "d1-zjw"), "pick")

    assert steps(world) == ["pick"]
    sound(world)
    world.complete("paiqian1", opened(world, "pick"), "完成", {"units": ["d1-cgw", "d1-zjw"]})
    for who, item in (("cgw1", "d1-cgw"), ("zjw1", "d1-zjw")):
        world.complete(who, of_item(world, item), "同意")
    assert steps(world) == ["after"]
    sound(world)


def test_a_return_after_somebody_was_added_ends_him_too(database: db.Database) -> None:
    world = signing(database, ["d1-cgw"])
    task = of_item(world, "d1-cgw")
    world.claim("cgw1", task)
    handing.add_signers(world.actor("cgw1"), task["id"], ["d1-zjw"], "beside", "涉及两家", 2)

    returned(world, "zjw1", of_item(world, "d1-zjw"), "pick")

    assert steps(world) == ["pick"]
    sound(world)
    world.complete("paiqian1", opened(world, "pick"), "完成", {"units": ["d1-cgw"]})
    assert {row["item"] for row in world.rows(task_rows, step="sign") if row["state"] == "open"} == {"d1-cgw"}
    sound(world)


@pytest.mark.parametrize("where", ["before", "beside", "after"])
def test_a_step_with_signers_that_goes_back_takes_them_along(database: db.Database, where: str) -> None:
    drawing = Drawing("signed").start().task("first", ROLE).task("work", ROLE).end()
    world = worlds.build(database, worlds.bundle_of("signed", drawing.line("start", "first", "work", "end")))
    world.file(process="signed")
    world.complete("paiqian1", opened(world, "first"))
    task = opened(world, "work")
    world.claim("paiqian1", task)
    handing.add_signers(world.actor("paiqian1"), task["id"], ["shenhe1"], where, "请把关", 2)
    if where == "before":
        world.complete("shenhe1", world.rows(task_rows, part="before")[0], "不同意", {}, "退回重做")

    returned(world, "paiqian1", task, "first")

    assert steps(world) == ["first"]
    assert world.inbox("shenhe1") == []
    sound(world)
    for step in ("first", "work"):
        world.complete("paiqian1", opened(world, step))
    sound(world)


def test_of_two_at_once_one_decides_and_the_other_is_told(database: db.Database) -> None:
    world = signing(database, ["d1-cgw", "d1-zjw"], vote="any")
    asked = [("cgw1", of_item(world, "d1-cgw")), ("zjw1", of_item(world, "d1-zjw"))]
    world.actor("cgw1"), world.actor("zjw1")

    def act(one: tuple[str, Row]) -> str:
        try:
            world.complete(one[0], one[1], "同意")
        except (TaskDone, CaseBusy) as refused:
            return refused.slug
        return "done"

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(act, asked))

    assert told in (["done", "task-done"], ["case-busy", "done"])
    assert steps(world) == ["after"]
    assert sorted(row["state"] for row in world.rows(task_rows, step="sign")) == ["cancelled", "done"]
    sound(world)


def test_a_reminder_comes_again_after_a_return_and_only_then(database: db.Database) -> None:
    drawing = Drawing("late").start().task("first", ROLE).task("work", ROLE).task("remind", ROLE).end()
    drawing.timer("soon", "work", "PT1H", interrupting=False).end("told")
    drawing.line("start", "first", "work", "end").line("soon", "remind", "told")
    world = worlds.build(database, worlds.bundle_of("late", drawing))
    world.file(process="late")
    world.complete("paiqian1", opened(world, "first"))
    world.wait(minutes=50)
    returned(world, "paiqian1", opened(world, "work"), "first")
    world.wait(minutes=20)
    assert firing.fire_due() == 0  # the reminder of the visit that is over
    world.complete("paiqian1", opened(world, "first"))

    armed = [row for row in world.rows(timers, tier="soon") if row["state"] == "armed"]
    assert [row["due_at"] - world.now() <= timedelta(hours=1) for row in armed] == [True]
    world.wait(hours=1, seconds=1)
    firing.fire_due()

    assert steps(world) == ["remind", "work"]
    assert [row["state"] for row in world.rows(timers, tier="soon")].count("fired") == 1
    sound(world)

"""The district with the 12345 work order as it is shipped, and its way to each step."""

from collections.abc import Callable

import pytest

from app.cases import firing
from app.cases.models import tasks as task_rows
from app.core import db
from app.inspection import service
from tests import world as worlds
from tests.world import BPMN, WORK_ORDER, Row, World

WAY = {
    "receive": ("paiqian1", "受理", {}),
    "dispatch": ("paiqian1", "派遣", {"main_unit": "d1-cgw"}),
    "sign": ("cgw1", "签收", {}),
    "handle": ("cgw1", "报结", {"contacted": True, "solved": True, "result": "已到现场更换灯泡。"}),
    "review": ("shenhe1", "驳回", {}),
}


class House(World):
    """The world, with what an inspector does."""

    def order(self, upto: str, **about: object) -> Row:
        """A work order that stands at a step: its open task there."""
        answers = {"content": "三号楼前路灯不亮，夜间看不清路。", "level": "一般"}
        task = self.file(answers={**answers, **about}).opened[0]
        while task["step"] != upto:
            task = self.done(task)
        return task

    def done(self, task: Row, **answers: object) -> Row:
        """Does a step as usual; the task that opens."""
        by, outcome, usual = WAY[task["step"]]
        opinion = "请补充佐证。" if outcome == "驳回" else None
        return self.complete(by, task, outcome, {**usual, **answers}, opinion).opened[0]

    def row_of(self, task: Row) -> Row:
        """A task as it is now."""
        return self.row(task_rows, task["id"])

    def unit_of(self, task: Row) -> str:
        return str(self.row_of(task)["pools"][0].rpartition("/")[2])

    def found(self, rule: str, by: str = "duban1", **asked: str) -> list[Row]:
        """What one reads in the list after an inspection."""
        service.inspect()
        query = "&".join(f"{name}={value}" for name, value in {"rule": rule, **asked}.items())
        return self.get(by, f"/inspection/findings?{query}").json["items"]  # type: ignore[no-any-return]

    def fires(self) -> None:
        firing.fire_due()


@pytest.fixture
def world(database: db.Database) -> House:
    built = worlds.build(database, worlds.shipped(WORK_ORDER))
    with db.transaction() as session:
        worlds.categorise(session)
    return House(built.database)


@pytest.fixture
def default_rules() -> str:
    return (BPMN / "_inspection.yaml").read_text(encoding="utf-8")


@pytest.fixture
def ruled(world: House) -> Callable[[str], Row]:
    """Imports rules as the administrator does; what the house answers."""

    def put(text: str, dry_run: bool = False) -> Row:
        answer = world.post("liucheng1", "/inspection/rules/import", {"yaml": text, "dryRun": dry_run})
        return {"status": answer.status_code, **answer.json}

    return put

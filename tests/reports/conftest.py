"""Orders of two departments and three classes, counted by the small work order."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from app.bundles.files import BundleFiles
from app.core import db
from app.core.clock import BEIJING
from tests import world as worlds
from tests.categories.conftest import SMALL, load
from tests.world import WORK_ORDER, Row, World

LAMP, LID, TREES, SCHOOL = "010101", "010102", "0102", "10"
HANDLED = {"contacted": True, "solved": True, "result": "已修好"}


def counted_order() -> BundleFiles:
    """The small work order, with a class that is chosen when it is dispatched."""
    files = dict(worlds.folder(WORK_ORDER).files)
    text = files["process.yaml"].decode()
    text = text.replace(
        "data:  ", "data:\n  category: {type: category, table: city_12345, label: 诉求分类}\n#", 1
    )
    text = text.replace(
        "{unit: main_unit, clock: total}", "{unit: main_unit, category: category, clock: total}"
    )
    files["process.yaml"] = f"{text}verbs: {{sign: {{rejectOrder: {{max: 5, then: dispatch}}}}}}\n".encode()
    files["forms/dispatch.yaml"] += b"  - {name: category}\n"
    return BundleFiles(WORK_ORDER, files)


class Office(World):
    """The district with what tests of statistics do all the time."""

    def order(self, unit: str = "d1-cgw", category: str = LAMP, **about: Any) -> Row:
        """An order dispatched to a unit: its open task 签收."""
        filed = self.file(**about)
        answers = {"main_unit": unit, "category": category}
        return self.complete("paiqian1", filed.opened[0], "派遣", answers).opened[0]

    def closed(self, task: Row) -> Row:
        """The same order, through to its end: its case."""
        by = "cgw1" if "d1-cgw" in task["pools"][0] else "zjw1"
        task = self.complete(by, task, "签收").opened[0]
        task = self.complete(by, task, "报结", HANDLED).opened[0]
        task = self.complete("shenhe1", task, "通过").opened[0]
        return self.complete("paiqian1", task, "归档").case

    def report(self, who: str = "duban1", path: str = "", **asked: str) -> Any:
        """`GET /reports/orders` for the days around now; whatever is asked beside that."""
        today = self.now().astimezone(BEIJING).date()
        days = {"from": str(today - timedelta(days=30)), "to": str(today)}
        return self.get(who, f"/reports/orders{path}?{urlencode({**days, **asked})}")

    def numbers(self, measure: str, who: str = "duban1", **asked: str) -> dict[Any, Any]:
        """Group → numerator and denominator of one measure."""
        answer = self.report(who, **asked)
        assert answer.status_code == 200, answer.json
        return {
            tuple(key["key"] for key in group["by"].values()): _pair(group["numbers"][measure])
            for group in answer.json["groups"]
        }

    def total(self, measure: str, who: str = "duban1", **asked: str) -> Any:
        answer = self.report(who, **asked)
        assert answer.status_code == 200, answer.json
        return _pair(answer.json["total"][measure])

    def behind(self, measure: str, who: str = "duban1", **asked: str) -> list[str]:
        """The ids of the cases behind a number."""
        answer = self.report(who, "/cases", measure=measure, **asked)
        assert answer.status_code == 200, answer.json
        return [each["id"] for each in answer.json["items"]]


def _pair(number: dict[str, Any]) -> tuple[int, int | None]:
    return number["numerator"], number["denominator"]


@pytest.fixture
def office(database: db.Database) -> Office:
    world = worlds.build(database, counted_order())
    load(SMALL)
    return Office(world.database)

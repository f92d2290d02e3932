"""A month of a small process that is frozen, and points of a score, to be asked about."""

from collections.abc import Callable

from werkzeug.test import TestResponse

from app.bundles import store
from app.core import db
from app.reports import freezing
from app.reports.months import Month
from tests.engine.drawing import Drawing
from tests.fuzz.district import PERSON, District
from tests.world import bundle_of, by_role

MONTH = Month(2026, 2)
MEASURES = """measures:
  all: {label: 全部, unit: count}
  closed_rate: {label: 办结率, unit: rate, numerator: closed()}
  score: {label: 得分, unit: score, weights: {closed_rate: 1}}
"""


def publish(district: District) -> None:
    drawing = Drawing("frozen_one").start().task("one", by_role()).end().line("start", "one", "end")
    district.world.publish(bundle_of("frozen_one", drawing, more=MEASURES))


def of_month(path: str = "") -> Callable[[District], TestResponse]:
    """`GET /reports/frozen_one/months…`, of a month without a case."""

    def ask(district: District) -> TestResponse:
        publish(district)
        with db.reading() as session:
            head = store.head(session, "frozen_one")
        assert head is not None
        freezing.freeze("frozen_one", head.version_id, 1, MONTH)
        return district.world.get(PERSON, f"/reports/frozen_one/months{path}")

    return ask


def book(path: str = "", **body: object) -> Callable[[District], TestResponse]:
    """`POST /reports/frozen_one/points…`: entered by one, decided by another."""

    def act(district: District) -> TestResponse:
        world, url = district.world, "/reports/frozen_one/points"
        publish(district)
        entry = {"measure": "score", "unit": "d1-cgw", "points": 1, "day": "2026-01-02", "reason": "表扬"}
        entered = world.post("duban1", url, entry)
        if not path:
            return entered
        if path == "revoke":
            world.post("lingdao1", f"{url}/{entered.json['id']}/decide", {"granted": True})
        return world.post("lingdao1", f"{url}/{entered.json['id']}/{path}", body)

    return act


def listed(district: District) -> TestResponse:
    publish(district)
    return district.world.get("duban1", "/reports/frozen_one/points?state=granted")


def pauses(path: str) -> Callable[[District], TestResponse]:
    """The paused time of a year, and its stretches."""
    days = "from=2026-01-01&to=2026-12-31"
    return lambda district: district.world.get(PERSON, f"/reports/pauses{path}?{days}")


RIGHT = {
    "GET /api/v1/reports/pauses": pauses(""),
    "GET /api/v1/reports/pauses/cases": pauses("/cases"),
    "GET /api/v1/reports/{name}/points": listed,
    "POST /api/v1/reports/{name}/points": book(),
    "POST /api/v1/reports/{name}/points/{points_id}/decide": book("decide", granted=True),
    "POST /api/v1/reports/{name}/points/{points_id}/revoke": book("revoke", reason="弄错了"),
    "GET /api/v1/reports/{name}/months": of_month(),
    "GET /api/v1/reports/{name}/months/{month}": of_month(f"/{MONTH}?by=unit"),
    "GET /api/v1/reports/{name}/months/{month}/cases": of_month(f"/{MONTH}/cases?measure=all"),
    "GET /api/v1/reports/{name}/months/{month}/differences": of_month(f"/{MONTH}/differences"),
}

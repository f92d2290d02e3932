"""A month of a small process that is frozen, to be asked about."""

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
MEASURES = "measures:\n  all: {label: 全部, unit: count}\n"


def of_month(path: str = "") -> Callable[[District], TestResponse]:
    """`GET /reports/frozen_one/months…`, of a month without a case."""

    def ask(district: District) -> TestResponse:
        drawing = Drawing("frozen_one").start().task("one", by_role()).end().line("start", "one", "end")
        district.world.publish(bundle_of("frozen_one", drawing, more=MEASURES))
        with db.reading() as session:
            head = store.head(session, "frozen_one")
        assert head is not None
        freezing.freeze("frozen_one", head.version_id, 1, MONTH)
        return district.world.get(PERSON, f"/reports/frozen_one/months{path}")

    return ask


RIGHT = {
    "GET /api/v1/reports/{name}/months": of_month(),
    "GET /api/v1/reports/{name}/months/{month}": of_month(f"/{MONTH}?by=unit"),
    "GET /api/v1/reports/{name}/months/{month}/cases": of_month(f"/{MONTH}/cases?measure=all"),
    "GET /api/v1/reports/{name}/months/{month}/differences": of_month(f"/{MONTH}/differences"),
}

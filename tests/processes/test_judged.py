"""监督评价: what visits said is counted by unit; the three rates lead to their orders."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from app.core import db
from app.core.clock import BEIJING
from tests.processes.conftest import BPMN, published
from tests.processes.test_scenarios import walked
from tests.world import World

RATES = ("responded", "solved", "satisfied")


@pytest.mark.requirement("SJS-026")
def test_response_solution_and_satisfaction_are_entered_by_the_visit_and_reported_by_unit(
    district: db.Database,
) -> None:
    for each in BPMN.glob("side_*"):
        published(each)
    for name in ("supervised", "visit_unsatisfied", "visit_not_contacted"):
        (story,), _ = walked(BPMN / "work_order_12345", name)
        assert story.failed is None, story.failed
    world = World(district)
    today = world.now().astimezone(BEIJING).date()
    days = {"from": str(today - timedelta(days=400)), "to": str(today + timedelta(days=1))}

    told = world.get("duban1", f"/reports/orders?{urlencode({**days, 'by': 'unit'})}").json
    asked = {**days, "measure": "satisfied", "part": "denominator", "unit": "d1-cgw"}
    behind = world.get("duban1", f"/reports/orders/cases?{urlencode(asked)}").json["items"]

    (group,) = [each for each in told["groups"] if each["by"]["unit"]["key"] == "d1-cgw"]
    assert group["numbers"]["received"]["numerator"] == 3
    for rate in RATES:
        number = group["numbers"][rate]
        assert (number["numerator"], number["denominator"], number["percent"]) == (2, 2, 100.0), rate
    assert len(behind) == 2

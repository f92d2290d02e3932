"""A scenario that is moved to another hour of the day still waits for the day that it names."""

from datetime import datetime, timedelta

import pytest

from app.bundles.bundle import compile_bundle
from app.core.clock import BEIJING
from app.demo.shifting import begins_at, shifted
from app.processes.check import org_beside
from app.processes.walk import read_scenarios
from tests.world import BPMN, shipped


@pytest.mark.parametrize("hour", range(24))
def test_the_day_a_hold_ends_begins_before_the_step_that_waits_for_it(hour: int) -> None:
    folder = BPMN / "work_order_12345"
    bundle, _ = compile_bundle(shipped(folder.name))
    assert bundle is not None
    scenario = read_scenarios(shipped(folder.name), bundle, org_beside(folder)[0])["on_hold"]
    steps = 1 + next(i for i, step in enumerate(scenario.steps) if step.kind == "at")
    now = datetime(2026, 11, 27, hour, 17, tzinfo=BEIJING)

    start = begins_at(scenario, steps, now, lambda day: True)
    moved = shifted(scenario, start, "p-", "o").steps

    waits = datetime.fromisoformat(moved[steps - 1].given)
    given = [step.given.get("answers", {}) for step in moved if step.given and step.kind == "do"]
    days = {answers["hold_until"] for answers in given if "hold_until" in answers}
    assert [datetime.fromisoformat(day).replace(tzinfo=BEIJING) <= waits for day in days] == [True]
    assert now - timedelta(days=1) < waits <= now

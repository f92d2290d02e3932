"""Keys rise in the order in which one process makes them."""

from uuid import UUID

import pytest

from app.core import clock
from app.core.ids import new_id


def test_keys_of_one_millisecond_rise_in_the_order_they_were_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "wall_milliseconds", lambda: 1_790_000_000_000)

    made = [new_id() for _ in range(10_000)]

    assert made == sorted(set(made))
    assert {(UUID(each).version, UUID(each).variant) for each in made} == {(7, "specified in RFC 4122")}
    assert {UUID(each).int >> 80 for each in made} == {1_790_000_000_000}

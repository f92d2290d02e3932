"""Cursors: they come back only to the person and the view they were given to."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import config
from app.core.http import pages
from app.core.http.pages import CursorInvalid

KEYS = st.lists(st.none() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=10), min_size=1, max_size=4)


@pytest.fixture(autouse=True)
def _secret() -> object:
    config.use(replace(config.Settings(), secret=b"the secret of these tests"))
    yield
    config.use(None)


@given(KEYS)
def test_a_cursor_gives_back_the_keys_it_was_made_of(keys: list[object]) -> None:
    assert pages.after("me", "todo", pages.cursor("me", "todo", keys), len(keys)) == keys


def test_no_cursor_is_the_first_page() -> None:
    assert pages.after("me", "todo", None, 2) is None


def test_a_cursor_of_another_person_view_or_secret_is_refused() -> None:
    mine = pages.cursor("me", "todo", ["2026", 7])

    for principal, view, width in (
        ("you", "todo", 2),
        ("me", "done", 2),
        ("me", "todo", 3),
        ("me:", "todo", 2),
    ):
        with pytest.raises(CursorInvalid):
            pages.after(principal, view, mine, width)
    config.use(replace(config.settings(), secret=b"another"))
    with pytest.raises(CursorInvalid):
        pages.after("me", "todo", mine, 2)


@given(st.text(max_size=40), st.integers(0, 30))
def test_a_forged_cursor_is_a_problem_and_nothing_worse(text: str, place: int) -> None:
    mine = pages.cursor("me", "todo", ["2026", 7])
    changed = mine[:place] + ("A" if mine[place] != "A" else "B") + mine[place + 1 :]

    for forged in (text, changed, mine[:-4], "=" * 3, mine + "AAAA", "é", mine + " x"):
        with pytest.raises(CursorInvalid):
            pages.after("me", "todo", forged, 2)


def test_a_page_shows_its_limit_and_says_whether_more_follows() -> None:
    rows = [{"n": n} for n in range(4)]

    full = pages.page(rows, 3, principal="me", view="v", keys=lambda r: [r["n"]], item=lambda r: r["n"])
    last = pages.page(
        rows[3:], 3, principal="me", view="v", keys=lambda r: [r["n"]], item=lambda r: r["n"], total=4
    )

    assert full["items"] == [0, 1, 2]
    assert pages.after("me", "v", full["page"]["next"], 1) == [2]
    assert last["page"] == {"next": None, "prev": None, "total": 4, "totalExact": True}

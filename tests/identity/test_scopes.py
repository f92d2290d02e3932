"""Scopes: every pair of a place and an actor, decided by SQL and by Python alike, on both databases."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Column, MetaData, String, Table, insert, select

from app.core import db
from app.identity.actor import SYSTEM, Actor, Appointment, actor_of, covers, widest
from app.identity.models import case_access
from app.identity.scopes import case_scope

PLACES = [
    "d1",
    "d1/s1",
    "d1/s1/c1",
    "d1/s10",
    "d1/s1x",
    "d1/s1/c10",
    "d10",
    "d10/s1",
    "d1/s_",
    "d1/s%",
    "d1/s_/c",
    "d1/s!",
]
GRANTS = {"reader": ("case:read",), "worker": ("case:read", "task:complete"), "clerk": ("org:read",)}

things = Table("things_of_scope_test", MetaData(), Column("id", String(36)), Column("path", String(255)))


def actor(*held: tuple[str, str]) -> Actor:
    appointed = [Appointment(role, path, path, path) for role, path in held]
    return actor_of("p1", "p1", "某人", "person", appointed, GRANTS)


@pytest.fixture
def session(database: db.Database) -> Iterator[db.Session]:
    with database.writing.begin() as connection:
        things.create(connection)
    with db.transaction() as session:
        session.execute(insert(things), [{"id": f"c{n}", "path": path} for n, path in enumerate(PLACES)])
        yield session
    with database.writing.begin() as connection:
        things.drop(connection)


def seen(session: db.Session, who: Actor, permission: str) -> set[str]:
    query = select(things.c.path).where(case_scope(who, permission, things.c.path, things.c.id))
    return set(session.execute(query).scalars())


def test_sql_and_python_draw_the_same_border_everywhere(session: db.Session) -> None:
    for place in PLACES:
        who = actor(("reader", place))
        expected = {other for other in PLACES if covers(place, other)}
        assert (
            seen(session, who, "case:read") == expected == {p for p in PLACES if who.allows("case:read", p)}
        )


def test_a_permission_holds_only_where_its_role_was_given(session: db.Session) -> None:
    who = actor(("worker", "d1/s1/c1"), ("reader", "d1/s10"), ("clerk", "d1"))

    assert seen(session, who, "case:read") == {"d1/s1/c1", "d1/s10"}
    assert seen(session, who, "task:complete") == {"d1/s1/c1"}
    assert seen(session, who, "case:create") == set()
    assert not who.holds("case:create")


def test_nobody_sees_anything_by_default_and_the_system_everything(session: db.Session) -> None:
    assert seen(session, actor(), "case:read") == set()
    assert seen(session, SYSTEM, "case:read") == set(PLACES)


def test_a_case_lets_in_a_unit_or_a_person_who_may_read_cases_at_all(session: db.Session) -> None:
    session.execute(
        insert(case_access),
        [
            {"case_id": "c6", "holder": "unit:d1/s1", "reason": "协办"},
            {"case_id": "c7", "holder": "person:p1", "reason": "抄送"},
            {"case_id": "c3", "holder": "unit:d1", "reason": "协办"},
            {"case_id": "c3", "holder": "person:p2", "reason": "抄送"},
        ],
    )

    assert seen(session, actor(("reader", "d1/s1/c1")), "case:read") == {"d1/s1/c1", "d10/s1"}
    assert seen(session, actor(("reader", "d1/s1")), "case:read") == {
        "d1/s1",
        "d1/s1/c1",
        "d1/s1/c10",
        "d10",
        "d10/s1",
    }
    assert seen(session, actor(("clerk", "d1/s1")), "case:read") == set()
    assert seen(session, actor(("clerk", "d1"), ("reader", "d10")), "case:read") == {"d10", "d10/s1"}


def test_only_the_widest_places_are_asked_for() -> None:
    assert widest(["d1/s1/c1", "d1/s1", "d1/s10", "d1/s1"]) == ("d1/s1", "d1/s10")


def test_pools_are_exact_and_never_inherited() -> None:
    assert actor(("worker", "d1/s1")).pools == {"worker@d1/s1"}

"""Memberships: who belonged to which community at an instant, and what of a resident lies in the open."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock, db, ids
from app.identity import memberships as rows
from app.identity import org, residents
from app.identity.memberships import memberships
from app.identity.models import people
from app.identity.org import OrgRefused, read_org
from app.identity.residents import RealName
from tests.identity.conftest import ORG

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
RESIDENTS = """
residents:
  - {login: jumin1, name: 居民甲, communities: [d1-s1-c2]}
  - login: jumin2
    name: 居民乙
    communities: []
    real_name: 张居民
    phone: "10000000002"
    id_number: "110199198502020028"
"""
HOME = "d1/d1-s1/d1-s1-c2"


@pytest.fixture
def town(database: db.Database) -> str:
    with db.transaction() as session:
        org.load_org(session, (ORG + RESIDENTS).encode(), with_passwords=False)
    return ORG + RESIDENTS


def person(login: str) -> str:
    with db.reading() as session:
        found = org.person_by_login(session, login)
    assert found is not None
    return found.id


def join(login: str, state: str, since: datetime | None, until: datetime | None) -> None:
    with db.transaction() as session:
        unit = org.unit_by_code(session, "d1-s1-c2")
        assert unit is not None
        row = {"id": ids.new_id(), "person_id": person(login), "unit_id": unit.id, "unit_path": unit.path}
        about = {
            "state": state,
            "applied_at": NOON,
            "applied_by": "x",
            "valid_from": since,
            "valid_to": until,
        }
        session.execute(insert(memberships), {**row, **about, "revision": 1})


def member(login: str, at: datetime, path: str = HOME) -> bool:
    with db.reading() as session:
        return rows.is_member(session, person(login), path, at)


def test_a_membership_holds_from_its_first_instant_until_just_before_its_last(town: str) -> None:
    join("jumin2", rows.ENDED, NOON, NOON + timedelta(days=1))

    held = [
        member("jumin2", NOON + step)
        for step in (
            timedelta(microseconds=-1),
            timedelta(0),
            timedelta(hours=23),
            timedelta(days=1),
            timedelta(days=2),
        )
    ]

    assert held == [False, True, True, False, False]


@pytest.mark.parametrize("state", [rows.PENDING, rows.REJECTED])
def test_an_application_is_no_membership(town: str, state: str) -> None:
    join("jumin2", state, None, None)

    assert not member("jumin2", NOON)


def test_members_of_a_wider_unit_are_those_of_its_communities_each_once(town: str) -> None:
    with db.reading() as session:
        counted = {
            path: list(session.execute(rows.members(path, NOON)).scalars())
            for path in (HOME, "d1/d1-s1", "d1", "d1/d1-s10")
        }

    assert counted == {
        HOME: [person("jumin1")],
        "d1/d1-s1": [person("jumin1")],
        "d1": [person("jumin1")],
        "d1/d1-s10": [],
    }


def test_who_is_disabled_is_no_longer_among_the_members(town: str) -> None:
    with db.transaction() as session:
        session.execute(update(people).where(people.c.login == "jumin1").values(state="disabled"))

    assert not member("jumin1", NOON)


def test_nobody_has_two_live_memberships_of_one_community(town: str) -> None:
    join("jumin1", rows.ENDED, NOON, NOON)

    with pytest.raises(IntegrityError):
        join("jumin1", rows.PENDING, None, None)


def test_a_community_that_moves_takes_its_members_along(town: str) -> None:
    moved = town.replace(
        "name: 和平社区, tier: community, parent: d1-s1", "name: 和平社区, tier: community, parent: d1-s10"
    )

    with db.transaction() as session:
        org.load_org(session, moved.encode(), with_passwords=False)

    assert member("jumin1", NOON, "d1/d1-s10/d1-s1-c2")
    assert not member("jumin1", NOON, "d1/d1-s1")


def test_loading_residents_again_changes_nothing_and_revives_no_ended_membership(town: str) -> None:
    with db.transaction() as session:
        session.execute(update(memberships).values(state=rows.ENDED, valid_to=NOON))

    with db.transaction() as session:
        loaded = org.load_org(session, town.encode(), with_passwords=False)
        states = list(session.execute(select(memberships.c.state)).scalars())

    assert (loaded.residents, states) == (2, [rows.ENDED])


def test_who_a_resident_is_lies_sealed_and_is_found_by_number(database: db.Database) -> None:
    with db.transaction() as session:
        org.load_org(session, (ORG + RESIDENTS).encode())

    with db.reading() as session:
        row = session.execute(select(residents.residents)).mappings().one()
        real = residents.real_name(session, row["person_id"])
        owner = residents.with_id_number(session, " 110199198502020028")
        by_last = session.scalar(
            select(residents.residents.c.person_id).where(residents.with_phone(session, "0002"))
        )
    assert real == RealName("张居民", "10000000002", "110199198502020028")
    assert row["person_id"] == owner == by_last == person("jumin2")
    assert not any("张居民" in str(value) or "0000002" in str(value) for value in row.values())
    assert "张居民" not in repr(real)
    assert real.covered == {"name": "张**", "phone": "100****0002", "id_number": "110***********0028"}


def test_one_identity_number_has_one_account(town: str) -> None:
    real = RealName("张居民", "10000000002", "110199198502020028")
    with db.transaction() as session:
        residents.keep(session, person("jumin1"), real, "x", clock.wall())

    with pytest.raises(IntegrityError), db.transaction() as session:
        residents.keep(session, person("jumin2"), real, "x", clock.wall())


@pytest.mark.parametrize(
    ("change", "by", "words"),
    [
        ("login: jumin1", "login: cgw1", "账号“cgw1”写了两次"),
        ("name: 居民甲", "name: 派遣员甲", "姓名“派遣员甲”写了两次"),
        ("[d1-s1-c2]", "[d1-s1]", "“d1-s1”不是一个社区"),
        ("[d1-s1-c2]", "[d1-s9]", "“d1-s9”不是一个社区"),
        ('    phone: "10000000002"\n', "", "要么都写，要么都不写"),
        ("communities: []", "community: []", "居民里没有“community”这一项"),
        ("name: 居民甲, ", "", "居民缺少“name”"),
    ],
)
def test_a_fault_among_residents_is_named_in_plain_words(change: str, by: str, words: str) -> None:
    assert change in RESIDENTS

    with pytest.raises(OrgRefused, match=words):
        read_org((ORG + RESIDENTS.replace(change, by)).encode())

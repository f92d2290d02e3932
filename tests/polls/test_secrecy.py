"""A secret poll: what lies in the database leads from nobody to a choice; each voter can check, all can recount."""

import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import insert, inspect, select, text, update

from app.audit.verify import verify, verify_streams
from app.core import clock, db
from app.core.ids import new_id
from app.identity.memberships import memberships
from app.identity.models import people, units
from app.polls import tally
from app.polls.models import poll_ballots, poll_boxes, poll_voters, polls
from tests.polls.conftest import ONE, TWO, WORKER, Poll, asking, code
from tests.world import World, build

MANY = 24
YES, NO = [1], [2]


def crowd(database: db.Database, many: int, **inputs: str) -> tuple[World, list[str]]:
    """So many more members of 甲社区, by login; their ids rise as they are made."""
    world = build(database, asking(**inputs))
    logins = [f"crowd{i:03d}" for i in range(many)]
    with db.transaction() as session:
        unit = session.execute(select(units).where(units.c.code == "d1-s1-c1")).mappings().one()
        rows = [
            {"id": new_id(), "login": each, "name": each, "kind": "resident", "state": "active"}
            for each in logins
        ]
        if not rows:
            return world, []
        session.execute(insert(people), rows)
        belongs = {"unit_id": unit["id"], "unit_path": unit["path"], "state": "approved", "revision": 1}
        belongs["applied_by"] = "tests"
        belongs["applied_at"] = clock.now(session)
        session.execute(
            insert(memberships), [{"id": new_id(), "person_id": row["id"], **belongs} for row in rows]
        )
    return world, logins


def secret(database: db.Database, many: int = MANY, *matters: str) -> tuple[Poll, list[str]]:
    world, logins = crowd(database, many, secret="yes")
    return Poll(database, *matters, world=world), logins


def dumped(database: db.Database) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, in the order in which the database hands them out by itself."""
    with db.reading() as session:
        names = inspect(session.connection).get_table_names()
        return {
            name: [dict(row) for row in session.execute(text(f'select * from "{name}"')).mappings()]
            for name in names
        }


def said(choices: list[list[int]]) -> str:
    return "".join(str(each[0]) for each in choices)


@pytest.mark.parametrize("closed", [False, True])
def test_a_dump_of_the_database_does_not_lead_from_a_person_to_a_choice(
    database: db.Database, closed: bool
) -> None:
    poll, logins = secret(database)
    order = random.Random(7).sample(logins, MANY)
    chosen = {who: random.Random(f"{who} of the tests").choice([YES, NO]) for who in order}
    for i, who in enumerate(order):
        assert poll.vote(who, chosen[who], number=i).status_code == 201
    if closed:
        poll.close()

    tables = dumped(database)

    # no row of a ballot names a person or an instant, and no other row but theirs knows a receipt or a code
    assert [each["voted_at"] for each in tables["poll_voters"]] == [None] * MANY
    assert {each["person_id"] for each in tables["poll_ballots"]} <= {None}
    whole = repr({name: rows for name, rows in tables.items() if name != "poll_ballots"})
    receipts = [bytes(each["receipt"]) for each in tables["poll_ballots"]]
    assert len(receipts) == (MANY if closed else 0)
    for i in range(MANY):
        assert code(i) not in whole
    for receipt in receipts:
        assert repr(receipt)[2:-1] not in whole
        assert receipt.hex() not in whole
    # nor does any order: neither the rows' own, nor that of ids, nor of answers kept, lists them as they came
    by_arrival = said([chosen[who] for who in order])
    if closed:
        listed = "".join(str(each["choice"]) for each in tables["poll_ballots"])
        assert receipts == sorted(receipts)
        assert sorted(listed) == sorted(by_arrival)
    ids = {poll.world.actor(who).id: who for who in order}
    voters = [ids[each["person_id"]] for each in tables["poll_voters"]]
    if database.url.startswith("sqlite"):
        assert voters == sorted(voters)  # not the order in which they came
    # what was kept for repeated requests is sealed, of one length, and marks nothing of the ballot
    kept = [each for each in tables["idempotency"] if each["route"].endswith("/ballots")]
    assert len(kept) == MANY
    assert len({len(each["body"]) for each in kept}) == 1


def test_what_was_answered_and_marked_is_the_same_whatever_was_chosen(database: db.Database) -> None:
    poll, logins = secret(database)
    one, other = logins[:2]

    yes, no = poll.vote(one, YES, number=1, key="same"), poll.vote(other, NO, number=2, key="same")
    again = poll.vote(one, NO, number=3, key="same")  # another ballot, the same key: replayed, not told apart

    assert (yes.data, yes.status_code) == (no.data, no.status_code) == (again.data, again.status_code)
    assert poll.close()["agreed"] == 1


def test_while_it_is_open_the_ballots_are_one_sealed_value_that_grows_by_nobody(
    database: db.Database,
) -> None:
    poll, logins = secret(database)
    poll.vote(logins[0], YES, number=1)

    (box,) = poll.world.rows(poll_boxes)

    assert poll.world.rows(poll_ballots) == []
    assert code(1).encode() not in box["ballots"].data
    poll.close()
    assert poll.world.rows(poll_boxes) == []


def test_the_rows_of_secret_ballots_are_written_in_the_order_of_their_receipts(database: db.Database) -> None:
    poll, logins = secret(database)
    for i, who in enumerate(logins):
        poll.vote(who, YES if i % 2 else NO, number=i)
    poll.close()

    with db.reading() as session:
        order = "ctid" if session.dialect == "postgresql" else "matter, receipt"
        found = session.execute(text(f"select receipt from poll_ballots order by {order}")).scalars()
        receipts = [bytes(each) for each in found]

    assert receipts == sorted(receipts)


def test_the_tables_of_sqlite_number_no_rows(sqlite: db.Database) -> None:
    for table in (poll_voters, poll_ballots):
        with pytest.raises(Exception, match="rowid") as refused, db.reading() as session:
            session.execute(text(f"select rowid from {table.name}"))
        assert isinstance(refused.value.__cause__, sqlite3.OperationalError)


def test_two_matters_of_one_ballot_are_not_tied_to_each_other(database: db.Database) -> None:
    poll, _ = secret(database, 0, "甲事", "乙事")
    poll.vote(ONE, YES, NO)
    poll.close()

    receipts = [bytes(row["receipt"]) for row in poll.world.rows(poll_ballots)]

    assert len(set(receipts)) == 2


def test_each_voter_checks_his_own_ballot_and_everybody_recounts(database: db.Database) -> None:
    poll, logins = secret(database, 3, "甲事", "乙事：一、二、三（多选）")
    for i, who in enumerate([*logins, ONE, TWO]):
        poll.vote(who, YES if i % 2 else NO, [1, 3], number=i)
    early = poll.world.get(ONE, f"/polls/{poll.id}/receipts")
    poll.close()

    mine = poll.world.post(ONE, f"/polls/{poll.id}/receipts/check", {"code": code(3)}).json["items"]
    strange = poll.world.post(ONE, f"/polls/{poll.id}/receipts/check", {"code": code(99)}).json["items"]
    listed = poll.world.get(TWO, f"/polls/{poll.id}/receipts?matter=2").json["items"]
    recount = poll.world.get(TWO, f"/polls/{poll.id}/recount").json

    assert (early.status_code, early.json["type"]) == (409, "/problems/poll-open")
    assert [(each["counted"], each["choices"]) for each in mine] == [(True, ["赞成"]), (True, ["一", "三"])]
    assert [each["counted"] for each in strange] == [False, False]
    assert [(each["choices"], each["voter"]) for each in listed] == [(["一", "三"], None)] * 5
    assert mine[1]["receipt"] in {each["receipt"] for each in listed}
    assert recount["agrees"] is True
    assert recount["digest"] == poll.seen()["digest"]


@pytest.mark.parametrize("how", ["choice", "added", "taken"])
def test_a_list_that_was_changed_afterwards_is_found_by_the_recount(database: db.Database, how: str) -> None:
    poll, _ = secret(database, 0)
    poll.vote(ONE, YES)
    poll.vote(TWO, NO)
    poll.close()
    with db.transaction() as session:
        if how == "choice":
            session.execute(update(poll_ballots).where(poll_ballots.c.choice == 2).values(choice=1))
        elif how == "taken":
            session.execute(poll_ballots.delete().where(poll_ballots.c.choice == 2))
        else:
            row = {"poll_id": poll.id, "matter": 1, "receipt": bytes(16), "choice": 1}
            session.execute(insert(poll_ballots), row)

    recount = poll.world.get(ONE, f"/polls/{poll.id}/recount").json

    assert (recount["agrees"], recount["digestAgrees"]) == (False, False)


def test_the_digest_of_the_list_is_in_the_chain_of_the_case(database: db.Database) -> None:
    poll, _ = secret(database, 0)
    poll.vote(ONE, YES)
    poll.close()

    items = poll.world.get(WORKER, f"/cases/{poll.case}/timeline").json["items"]
    (closed,) = [event for row in items for event in row["events"] if event["name"] == "poll.closed"]
    with db.reading() as session:
        faults = [*verify(session).faults, *verify_streams(session).faults]
        kept = session.execute(select(poll_ballots)).mappings().all()

    ballots = [(row["matter"], bytes(row["receipt"]), row["choice"]) for row in kept]
    assert closed["digest"] == tally.digest(ballots).hex()
    assert faults == []


def test_the_audit_says_that_somebody_voted_and_not_what(database: db.Database) -> None:
    poll, _ = secret(database, 0)
    poll.vote(ONE, YES)

    (told,) = [row for row in dumped(database)["audit_stream"] if row["stream"] == "polls"]

    assert (told["kind"], told["subject"], told["data"]) == ("poll.voted", poll.id, '{"channel":"online"}')
    assert told["actor_id"] == poll.world.actor(ONE).id


def test_fifty_at_once_are_fifty_ballots(database: db.Database) -> None:
    poll, logins = secret(database, 50)
    for who in logins:
        poll.world.token(who)

    def act(one: tuple[int, str]) -> int:
        status = 409
        for _ in range(20):  # a browser tries again as Retry-After says
            answer = poll.vote(one[1], YES, number=one[0], key=f"once-{one[0]}")
            status = answer.status_code
            if status != 409 or answer.json["type"] not in (
                "/problems/case-busy",
                "/problems/idempotency-in-flight",
            ):
                break
        return status

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(act, enumerate(logins)))

    assert told == [201] * 50
    assert (poll.seen()["voted"], poll.close()["agreed"]) == (50, 50)


def test_two_devices_of_one_person_are_one_vote(database: db.Database) -> None:
    poll, _ = secret(database, 0)
    poll.world.token(ONE)

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(lambda i: poll.vote(ONE, YES, number=i).status_code, range(2)))

    assert told == [201, 409]
    assert (poll.seen()["voted"], poll.close()["agreed"]) == (1, 1)
    assert len(poll.world.rows(polls)) == 1

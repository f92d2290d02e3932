"""Signing in: what a token is, what a wrong password gets, and what a guesser cannot learn or do."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import event, select, update

from app.audit.streams import audit_stream
from app.core import clock, db
from app.core.errors import Unavailable
from app.core.http.gate import TokenInvalid
from app.identity import login, org, passwords
from app.identity.errors import SignInFailed, SignInLocked
from app.identity.models import people, sign_in_failures, tokens
from tests.identity.conftest import ORG
from tests.world import application


@pytest.fixture
def with_passwords(database: db.Database) -> None:
    with db.transaction() as session:
        org.load_org(session, ORG.encode())


@pytest.fixture
def client(with_passwords: None) -> FlaskClient:
    return application().test_client()


def test_the_right_password_gets_a_token_that_opens_the_door(client: FlaskClient) -> None:
    answer = client.post("/api/v1/sessions", json={"login": "paiqian1", "password": "demo-paiqian1"})

    assert answer.status_code == 201
    body = answer.get_json()
    assert body["person"]["name"] == "派遣员甲"
    assert body["person"]["permissions"]["case:create"] == ["d1"]
    assert body["expiresAt"].endswith("+08:00")
    me = client.get("/api/v1/sessions/current", headers={"Authorization": f"Bearer {body['token']}"})
    assert me.get_json() == body["person"]


def test_only_the_hash_of_a_token_is_kept(with_passwords: None) -> None:
    token = login.sign_in("paiqian1", "demo-paiqian1").token

    with db.reading() as session:
        rows = [str(value) for row in session.execute(select(tokens)) for value in row]
    assert not any(token in value for value in rows)


def test_every_way_of_failing_looks_the_same(client: FlaskClient) -> None:
    with db.transaction() as session:
        session.execute(update(people).where(people.c.login == "jiedao1").values(state="disabled"))
    attempts = [
        ("paiqian1", "wrong"),
        ("nobody", "wrong"),
        ("city", "has no password"),
        ("jiedao1", "demo-jiedao1"),
    ]

    answers = [
        client.post("/api/v1/sessions", json={"login": who, "password": word}) for who, word in attempts
    ]

    bodies = [answer.get_json(force=True) for answer in answers]
    assert {answer.status_code for answer in answers} == {401}
    assert len({(body.pop("requestId"), str(body))[1] for body in bodies}) == 1
    with db.reading() as session:
        kinds = [row.kind for row in session.execute(select(audit_stream))]
    assert kinds == ["sign-in-failed"] * 4


def test_an_unknown_login_costs_one_hash_as_a_known_one_does(
    with_passwords: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = passwords._HASHER.verify.__func__  # type: ignore[attr-defined]

    def verify(self: object, stored: str, password: bytes) -> bool:
        asked.append(stored.split("$")[3])
        return bool(real(self, stored, password))

    monkeypatch.setattr(type(passwords._HASHER), "verify", verify)
    for who in ("paiqian1", "nobody"):
        with pytest.raises(SignInFailed):
            login.sign_in(who, "wrong")

    assert asked == ["m=19456,t=2,p=1"] * 2


def test_five_failures_lock_the_pair_of_account_and_address_for_a_while(with_passwords: None) -> None:
    with time_machine.travel("2026-03-02T01:00:00Z", tick=False) as traveller:
        for _ in range(5):
            with pytest.raises(SignInFailed):
                login.sign_in("paiqian1", "wrong", "192.0.2.1")

        with pytest.raises(SignInLocked) as locked:
            login.sign_in("paiqian1", "demo-paiqian1", "192.0.2.1")
        assert locked.value.headers["Retry-After"] == "901"
        assert login.sign_in("paiqian1", "demo-paiqian1", "192.0.2.2").actor.login == "paiqian1"

        traveller.shift(timedelta(minutes=15, seconds=1))
        assert login.sign_in("paiqian1", "demo-paiqian1", "192.0.2.1").actor.login == "paiqian1"


def test_a_success_forgives_the_failures_before_it(with_passwords: None) -> None:
    for _ in range(2):
        for _ in range(4):
            with pytest.raises(SignInFailed):
                login.sign_in("paiqian1", "wrong")
        login.sign_in("paiqian1", "demo-paiqian1")

    with db.reading() as session:
        assert session.execute(select(sign_in_failures)).all() == []


def test_parallel_guesses_do_not_slip_past_the_lock(with_passwords: None) -> None:
    def guess(_: int) -> str:
        try:
            login.sign_in("paiqian1", "wrong")
        except (SignInFailed, SignInLocked, Unavailable) as problem:
            return type(problem).__name__
        return "in"

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(guess, range(12)))

    assert outcomes.count("SignInFailed") <= 6
    assert "in" not in outcomes


def test_a_third_hash_at_a_time_waits_and_is_then_sent_away(
    with_passwords: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_PATIENCE", 0.01)

    with passwords._a_place(), passwords._a_place(), pytest.raises(Unavailable) as busy:
        login.sign_in("paiqian1", "demo-paiqian1")

    assert busy.value.headers["Retry-After"]
    with db.reading() as session:
        assert session.execute(select(sign_in_failures)).all() == []


def test_a_token_ends_with_its_time_with_signing_out_and_with_the_account(organisation: str) -> None:
    with db.transaction() as session:
        person = org.person_by_login(session, "paiqian1")
        assert person is not None
        made = [login.token_for(session, person.id)[0] for _ in range(3)]
        short, _ = login.token_for(session, person.id, hours=1)

    with time_machine.travel(clock.wall() + timedelta(hours=1, seconds=1)), pytest.raises(TokenInvalid):
        login.authenticate(short)
    assert login.authenticate(made[0]).login == "paiqian1"
    login.sign_out(made[0])
    with pytest.raises(TokenInvalid):
        login.authenticate(made[0])
    with db.transaction() as session:
        session.execute(update(people).values(state="disabled"))
    with pytest.raises(TokenInvalid):
        login.authenticate(made[1])


def test_a_token_becomes_an_actor_in_one_statement(organisation: str, database: db.Database) -> None:
    with db.transaction() as session:
        person = org.person_by_login(session, "cgw1")
        assert person is not None
        token, _ = login.token_for(session, person.id)
    login.authenticate(token)
    counted: list[str] = []

    def note(*told: Any) -> None:
        if told[2] != "BEGIN":
            counted.append(told[2])

    event.listen(database.only_reading, "before_cursor_execute", note)
    actor = login.authenticate(token)
    event.remove(database.only_reading, "before_cursor_execute", note)

    assert len(counted) == 1
    assert actor.pools == {"handler@d1/d1-cgw", "observer@d1/d1-s1"}
    assert set(actor.permissions["case:read"]) == {"d1/d1-s1", "d1/d1-cgw"}
    assert actor.permissions["task:complete"] == ("d1/d1-cgw",)


def test_a_changed_role_counts_from_the_next_request_on(organisation: str) -> None:
    with db.transaction() as session:
        person = org.person_by_login(session, "cgw1")
        assert person is not None
        token, _ = login.token_for(session, person.id)
    assert login.authenticate(token).holds("task:complete")

    with db.transaction() as session:
        fewer = ORG.replace("[case:read, task:read, task:complete]", "[case:read]")
        org.load_org(session, fewer.encode(), with_passwords=False)

    assert not login.authenticate(token).holds("task:complete")


def test_what_is_over_is_swept_away(organisation: str) -> None:
    with db.transaction() as session:
        person = org.person_by_login(session, "paiqian1")
        assert person is not None
        login.token_for(session, person.id, hours=-1)
        login.token_for(session, person.id)

    with db.transaction() as session:
        assert login.forget_expired(session) == 1
        assert len(session.execute(select(tokens)).all()) == 1

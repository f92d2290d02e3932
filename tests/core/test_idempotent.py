"""Idempotency-Key over HTTP, on both databases: one effect, and the same bytes for whoever asks again."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core import db
from app.identity import login, org
from tests.identity.conftest import ORG
from tests.toy_api import app_with_toy, kept


@pytest.fixture
def signed_in(database: db.Database) -> dict[str, str]:
    with db.transaction() as session:
        org.load_org(session, ORG.encode(), with_passwords=False)
        person = org.person_by_login(session, "paiqian1")
        assert person is not None
        token, _ = login.token_for(session, person.id)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def client(database: db.Database) -> FlaskClient:
    return app_with_toy().test_client()


def test_a_repeated_request_gets_the_same_bytes_and_happens_once(
    client: FlaskClient, signed_in: dict[str, str]
) -> None:
    headers = {**signed_in, "Idempotency-Key": "k-1"}

    answers = [client.post("/toy/kept/lamp", json={}, headers=headers) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.data for answer in answers}) == 1
    assert {answer.headers["ETag"] for answer in answers} == {'"1"'}
    assert {answer.headers["Content-Type"] for answer in answers} == {"application/json"}
    assert len(kept("lamp")) == 1


def test_requests_in_a_race_happen_once(client: FlaskClient, signed_in: dict[str, str]) -> None:
    headers = {**signed_in, "Idempotency-Key": "race"}
    app = client.application

    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda _: app.test_client().post("/toy/kept/race", json={}, headers=headers), range(8))
        )

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 409)
    assert len(kept("race")) == 1


def test_the_same_key_for_something_else_is_refused(client: FlaskClient, signed_in: dict[str, str]) -> None:
    headers = {**signed_in, "Idempotency-Key": "k-2"}
    client.post("/toy/kept/lamp", json={}, headers=headers)

    for path, raw in (("/toy/kept/other", b"{}"), ("/toy/kept/lamp", b"{ }")):
        answer = client.post(path, data=raw, content_type="application/json", headers=headers)
        assert answer.status_code == 422
        assert answer.get_json(force=True)["type"] == "/problems/idempotency-key-reused"
    assert len(kept("lamp")) == 1
    assert kept("other") == []


def test_a_missing_or_crooked_key_is_refused_before_anything_happens(
    client: FlaskClient, signed_in: dict[str, str]
) -> None:
    for key, slug in (
        (None, "missing"),
        ("", "invalid"),
        ("a b", "invalid"),
        ("ü", "invalid"),
        ("x" * 201, "invalid"),
    ):
        headers = signed_in if key is None else {**signed_in, "Idempotency-Key": key}
        answer = client.post("/toy/kept/lamp", json={}, headers=headers)
        assert answer.status_code == 400
        assert answer.get_json(force=True)["type"] == f"/problems/idempotency-key-{slug}"
    assert kept("lamp") == []


def test_a_refused_request_leaves_its_key_free(client: FlaskClient, signed_in: dict[str, str]) -> None:
    headers = {**signed_in, "Idempotency-Key": "k-3"}

    refused = client.post("/toy/kept/lamp", json={"status": "closed"}, headers=headers)
    corrected = client.post("/toy/kept/lamp", json={}, headers=headers)

    assert (refused.status_code, corrected.status_code) == (422, 201)


def test_the_key_of_one_person_is_not_the_key_of_another(
    client: FlaskClient, signed_in: dict[str, str]
) -> None:
    with db.transaction() as session:
        other = org.person_by_login(session, "jiedao1")
        assert other is not None
        token, _ = login.token_for(session, other.id)
    mine = client.post("/toy/kept/lamp", json={}, headers={**signed_in, "Idempotency-Key": "k"})

    theirs = client.post(
        "/toy/kept/lamp", json={}, headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "k"}
    )

    assert mine.data != theirs.data
    assert len(kept("lamp")) == 2
    with db.reading() as session:
        from app.core.once import idempotency

        assert len({row.principal for row in session.execute(select(idempotency))}) == 2


@pytest.mark.parametrize(
    ("header", "status", "slug"),
    [
        (None, 428, "if-match-missing"),
        ('"2"', 412, "stale"),
        ("2", 412, "stale"),
        ("*", 400, "if-match-invalid"),
        ('W/"3"', 400, "if-match-invalid"),
        ('"3", "4"', 400, "if-match-invalid"),
    ],
)
def test_a_write_says_which_revision_it_saw(
    client: FlaskClient, header: str | None, status: int, slug: str
) -> None:
    headers = {} if header is None else {"If-Match": header}

    answer = client.post("/toy/versions/one", json={}, headers=headers)

    assert answer.status_code == status
    assert answer.get_json(force=True)["type"] == f"/problems/{slug}"
    if status != 400:
        assert answer.headers["ETag"] == '"3"'


def test_the_current_revision_passes(client: FlaskClient) -> None:
    assert client.post("/toy/versions/one", json={}, headers={"If-Match": '"3"'}).status_code == 200

"""Alive, ready, which version: asked by machines, so each answer is exact."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask.testing import FlaskClient

from app import __version__
from app.core import db, schema
from tests.world import application


def test_a_process_with_its_database_is_alive_and_ready(database: db.Database) -> None:
    client = application().test_client()

    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/version").get_json() == {"name": "Huying", "version": __version__}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert {**ready.get_json()["components"], "disk": ""} == {
        "database": "ok",
        "migrations": "current",
        "disk": "",
        "redis": "not configured",
        "outbox": "ok",
    }


@pytest.mark.parametrize(
    ("has", "state", "status"), [("", "behind", 503), ("0000", "behind", 503), ("9999", "ahead", 200)]
)
def test_a_database_behind_this_code_is_not_served(
    database: db.Database, has: str, state: str, status: int
) -> None:
    client = application().test_client()
    with _migrated_to(has):
        answer = client.get("/readyz")

    assert answer.status_code == status
    assert answer.get_json(force=True)["components"]["migrations"] == state
    assert client.get("/readyz").status_code == 200


@contextmanager
def _migrated_to(number: str) -> Iterator[None]:
    """As if the last migration had been this one; an empty text: none yet."""

    def become(number: str) -> None:
        with db.transaction() as session:
            session.connection.exec_driver_sql("delete from alembic_version")
            if number:
                session.connection.exec_driver_sql(f"insert into alembic_version values ('{number}')")

    become(number)
    try:
        yield
    finally:
        become(schema.newest())


@pytest.fixture
def lost(sqlite: db.Database) -> FlaskClient:
    db.use(db.Database("postgresql+psycopg://nobody@127.0.0.1:1/none"))
    return application().test_client()


def test_a_process_without_its_database_lives_but_is_not_ready(lost: FlaskClient) -> None:
    assert lost.get("/healthz").status_code == 200

    answer = lost.get("/readyz")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    body = answer.get_json(force=True)
    assert body["type"] == "/problems/not-ready"
    assert body["components"]["database"] == "unavailable"


def test_a_lost_database_is_a_deliberate_503_for_everybody(lost: FlaskClient) -> None:
    for answer in (
        lost.post("/api/v1/sessions", json={"login": "a1", "password": "x"}),
        lost.get("/api/v1/tasks/counts", headers={"Authorization": "Bearer x"}),
    ):
        assert answer.status_code == 503
        assert answer.get_json(force=True)["type"] == "/problems/database-unavailable"
        assert answer.headers["Retry-After"]

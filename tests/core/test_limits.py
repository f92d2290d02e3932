"""How often one may ask: what is over is refused with the time to come back, and costs nobody anything."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core import clock, config, db
from app.core.config import Rate, SettingRefused
from app.core.http import limits
from tests import world as worlds
from tests.toy_api import app_with_toy, kept

RATES = {"person": Rate(20, 5), "service": Rate(100, 50)}


@dataclass(frozen=True)
class Somebody:
    id: str
    kind: str = "person"


PEOPLE = {
    "first": Somebody("a"),
    "again": Somebody("a"),
    "other": Somebody("b"),
    "partner": Somebody("city", "service"),
}


class Hands:
    """A clock that stands until it is moved, and a count of who was asked for."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked = 0

    def authenticate(self, token: str) -> Somebody:
        self.asked += 1
        return PEOPLE[token]


@pytest.fixture
def hands(sqlite: db.Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hands]:
    hands = Hands()
    app: Flask = app_with_toy()
    monkeypatch.setitem(app.extensions, "huying_authenticate", hands.authenticate)
    monkeypatch.setitem(app.extensions, "huying_allowances", limits.Allowances())
    monkeypatch.setattr(clock, "monotonic", lambda: hands.now)
    before = config.settings()
    config.use(replace(before, limits=RATES))
    yield hands
    config.use(before)


@pytest.fixture
def client(hands: Hands) -> FlaskClient:
    return app_with_toy().test_client()


def read(client: FlaskClient, who: str = "first") -> TestResponse:
    return client.get("/toy/mine", headers={"Authorization": f"Bearer {who}"})


def write(client: FlaskClient, key: str, who: str = "first") -> TestResponse:
    headers = {"Authorization": f"Bearer {who}", "Idempotency-Key": key}
    return client.post("/toy/kept/limit", json={}, headers=headers)


def test_a_thousand_requests_a_second_from_one_key_are_cut_to_what_is_allowed(
    client: FlaskClient, hands: Hands
) -> None:
    answers = []
    for _ in range(1000):
        answers.append(read(client))
        hands.now += 0.001

    taken = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(taken) + len(refused) == 1000
    assert 215 <= len(taken) <= 221  # two hundred at once, and twenty in this second
    assert hands.asked == len(taken), "who is over is not even looked up"
    last = refused[-1]
    assert last.get_json(force=True)["type"] == "/problems/too-many-requests"
    assert "每秒至多 20 次" in last.get_json(force=True)["detail"]
    assert int(last.headers["Retry-After"]) >= 1
    assert (last.headers["RateLimit-Limit"], last.headers["RateLimit-Remaining"]) == ("200", "0")


def test_who_comes_back_when_told_is_served(client: FlaskClient, hands: Hands) -> None:
    while (answer := read(client)).status_code == 200:
        pass

    hands.now += int(answer.headers["Retry-After"])

    assert read(client).status_code == 200


def test_every_answer_tells_what_is_left(client: FlaskClient) -> None:
    first, second = read(client), read(client)

    assert [one.headers["RateLimit-Remaining"] for one in (first, second)] == ["199", "198"]
    assert second.headers["RateLimit-Limit"] == "200"
    assert second.headers["RateLimit-Reset"] == "1"


def test_a_rush_of_creates_writes_no_more_than_allowed_and_a_refused_key_stays_free(
    client: FlaskClient, hands: Hands
) -> None:
    answers = [write(client, f"create-{number}") for number in range(1000)]

    made = [answer for answer in answers if answer.status_code == 201]
    assert len(made) == len(kept("limit")) == 50
    assert "写入每秒至多 5 次" in answers[-1].get_json(force=True)["detail"]
    assert read(client).status_code == 200, "reading goes on"
    hands.now += int(answers[-1].headers["Retry-After"])
    assert write(client, "create-999").status_code == 201


def test_a_person_has_one_allowance_for_all_tokens_and_others_keep_theirs(client: FlaskClient) -> None:
    while read(client, "first").status_code == 200:
        pass

    assert read(client, "again").status_code == 429
    assert read(client, "other").status_code == 200


def test_a_service_has_an_allowance_of_its_own(client: FlaskClient) -> None:
    answers = [write(client, f"k{number}", "partner") for number in range(501)]

    assert [answer.status_code for answer in answers[-2:]] == [201, 429]
    assert answers[-1].headers["RateLimit-Limit"] == "500"


def test_limits_cost_no_statement(database: db.Database) -> None:
    world = worlds.build(database)
    world.get("paiqian1", "/tasks?view=todo")

    def sent() -> list[str]:
        with worlds.statements(database) as found:
            assert world.get("paiqian1", "/tasks?view=todo").status_code == 200
        return found

    before = sent()
    settings = config.settings()
    config.use(replace(settings, limits=RATES))
    sent()
    after = sent()
    config.use(settings)

    assert after == before


def test_limits_hold_in_service_and_where_they_are_asked_for() -> None:
    common = {"DATABASE_URL": "postgresql://huying@db/huying", "HUYING_FILES": "/srv/files"}

    service = config.from_environment({**common, "HUYING_PROFILE": "production"})
    chosen = config.from_environment({**common, "HUYING_LIMITS": "person=2/1,service=0.5/0.5"})

    assert service.limits == RATES
    assert chosen.limits == {"person": Rate(2, 1), "service": Rate(0.5, 0.5)}
    assert config.from_environment({**common, "HUYING_PROFILE": "demo"}).limits is None
    assert (
        config.from_environment({**common, "HUYING_PROFILE": "production", "HUYING_LIMITS": "off"}).limits
        is None
    )
    for wrong in ("20", "person=20/5", "person=0/0,service=1/1", "person=1.1.1/2,service=1/1"):
        with pytest.raises(SettingRefused, match="HUYING_LIMITS"):
            config.from_environment({**common, "HUYING_LIMITS": wrong})

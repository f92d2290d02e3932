"""Random requests to every documented operation: a documented success or a problem, never a 500."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app import create_app
from app.core import db
from app.core.http.problem import MEDIA_TYPE
from app.identity import login, org
from tests.identity.conftest import ORG

METHODS = ("get", "post", "put", "patch", "delete")
DELIBERATE = {503}

TEXT = st.text(max_size=30) | st.sampled_from(
    [
        "d1",
        "d1-s1",
        "work_order_12345",
        "2026-03-02T09:00:00+08:00",
        "%_%",
        "' or 1=1 --",
        "\u202e",
        "__class__",
        "😀" * 9,
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXT
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def resolved(document: Any, schema: Any) -> Any:
    while "$ref" in schema:
        place = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        schema = place
    return schema


def bodies(document: Any, operation: Any) -> st.SearchStrategy[Any]:
    """Bodies that are nearly right: the declared names with values that are sometimes of their type."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return st.none()
    schema = resolved(document, content["schema"])
    optional = {}
    for name, field in schema.get("properties", {}).items():
        optional[name] = values(resolved(document, field))
    return st.fixed_dictionaries({}, optional=optional) | st.fixed_dictionaries(optional) | JSON


def values(field: Any) -> st.SearchStrategy[Any]:
    kind = field.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    right: st.SearchStrategy[Any] = {
        "string": st.sampled_from(field["enum"]) if field.get("enum") else TEXT,
        "integer": st.integers(field.get("minimum", 0), field.get("maximum", 100)),
        "boolean": st.booleans(),
        "object": st.dictionaries(TEXT, JSON, max_size=3),
        "array": st.lists(JSON, max_size=3),
    }.get(kind, JSON)
    return right | right | JSON


def queries(operation: Any) -> st.SearchStrategy[dict[str, str]]:
    optional = {
        parameter["name"]: (values(parameter["schema"]) | TEXT).map(str)
        for parameter in operation.get("parameters", [])
        if parameter.get("in") == "query"
    }
    return st.fixed_dictionaries({}, optional=optional)


def operations() -> Iterator[tuple[str, str]]:
    document = create_app().test_client().get("/openapi.json").get_json()
    for path, entry in document["paths"].items():
        for method in METHODS:
            if method in entry and not (path == "/api/v1/sessions/current" and method == "delete"):
                yield method, path


@pytest.fixture
def client(sqlite: db.Database) -> FlaskClient:
    with db.transaction() as session:
        org.load_org(session, ORG.encode(), with_passwords=False)
        person = org.person_by_login(session, "paiqian1")
        assert person is not None
        token, _ = login.token_for(session, person.id)
    client = create_app().test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


@pytest.mark.parametrize(("method", "path"), list(operations()), ids=lambda value: value)
def test_no_request_at_all_breaks_an_operation(
    client: FlaskClient, method: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.identity.passwords.matches", lambda password, stored: False)  # 20 ms each
    document = client.get("/openapi.json").get_json()
    operation = document["paths"][path][method]

    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def play(data: st.DataObject) -> None:
        identifier = data.draw(
            st.from_regex(r"[0-9A-Za-z][0-9A-Za-z_-]{0,40}", fullmatch=True) | st.text(max_size=20)
        )
        query = urlencode(data.draw(queries(operation)), errors="replace")
        body = data.draw(bodies(document, operation))
        headers = {"Idempotency-Key": data.draw(st.from_regex(r"[!-~]{1,40}", fullmatch=True))}
        if data.draw(st.booleans()):
            headers["If-Match"] = data.draw(st.sampled_from(['"1"', "2", "*", '"x"', ""]))
        raw = json.dumps(body, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "surrogatepass")

        answer = client.open(
            re.sub(r"{[^}]+}", lambda _: urlencode({"": identifier}, errors="replace")[1:], path),
            method=method,
            query_string=query,
            data=raw if method != "get" else None,
            content_type="application/json",
            headers=headers,
        )

        assert answer.status_code < 500 or answer.status_code in DELIBERATE, answer.get_data(as_text=True)
        if answer.status_code >= 400:
            assert answer.headers["Content-Type"] == MEDIA_TYPE
            problem = answer.get_json(force=True)
            assert problem["type"].startswith("/problems/")
            assert problem["status"] == answer.status_code
        else:
            assert str(answer.status_code) in operation["responses"]

    play()

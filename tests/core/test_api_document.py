"""What docs/api.md and /openapi.json promise is what the code does."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from marshmallow import fields

from app import create_app
from app.cli.db import import_tables
from app.cli.openapi import operations as listed
from app.core import db
from app.core.config import REPOSITORY
from app.core.errors import Problem, slug_of, title_of
from app.core.http.fields import field_errors
from app.identity import permissions
from app.identity.actor import Actor

OPEN = {
    *("/", "/healthz", "/readyz", "/version", "/openapi.json"),
    *("/api/v1/sessions", "/api/v1/residents", "/schemas/<kind>.json"),
}
"""The routes that need nobody signed in; a new one must be added here on purpose."""

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def client(sqlite: db.Database) -> FlaskClient:
    return create_app().test_client()


@pytest.fixture
def document(client: FlaskClient) -> Any:
    return client.get("/openapi.json").get_json()


def below(kind: type[Problem]) -> Iterator[type[Problem]]:
    for one in kind.__subclasses__():
        yield one
        yield from below(one)


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, entry in document["paths"].items():
        for method in METHODS:
            if method in entry:
                yield path, method, entry[method]


def test_the_table_of_problems_in_the_docs_is_the_one_of_the_code() -> None:
    import_tables()
    create_app()
    ours = [kind for kind in below(Problem) if kind.__module__.startswith("app.")]
    in_code = {f"| {kind.status} | `{slug_of(kind)}` | {title_of(kind)} |" for kind in ours}

    text = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
    in_docs = {line for line in text.splitlines() if re.match(r"\| [0-9]{3} \| `[a-z-]+` \| ", line)}

    assert in_code - in_docs == set(), "add these lines to docs/api.md"
    assert in_docs - in_code == set(), "these lines of docs/api.md have no problem in the code"


def test_every_problem_has_a_chinese_title_and_one_status_per_slug() -> None:
    import_tables()
    create_app()
    ours = [kind for kind in below(Problem) if kind.__module__.startswith("app.")]

    statuses: dict[str, set[int]] = {}
    for kind in ours:
        statuses.setdefault(slug_of(kind), set()).add(kind.status)
        assert re.search("[一-鿿]", title_of(kind)), kind

    assert {slug: found for slug, found in statuses.items() if len(found) > 1} == {}


def test_every_operation_says_what_it_is_how_it_answers_and_what_it_needs(document: Any) -> None:
    assert document["openapi"] == "3.1.0"

    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert re.search("[一-鿿]", operation.get("summary", "")), where
        assert any(status.startswith("2") for status in operation["responses"]), where
        assert "default" in operation["responses"], where
        assert (operation.get("security") == []) == (path in OPEN), where


def test_the_document_refers_to_nothing_that_is_not_in_it(document: Any) -> None:
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        place = document
        for step in reference.split("/"):
            place = place[step]


def test_the_committed_document_is_the_one_that_is_served(document: Any) -> None:
    committed = json.loads((REPOSITORY / "docs" / "openapi.json").read_text(encoding="utf-8"))

    assert committed == document, "run: huying openapi > docs/openapi.json"


def test_the_list_of_addresses_is_the_one_of_the_code(document: Any) -> None:
    committed = (REPOSITORY / "docs" / "api-operations.md").read_text(encoding="utf-8")

    assert committed == "\n".join(listed(document)) + "\n", (
        "run: huying openapi --table > docs/api-operations.md"
    )


EVERYBODY = {
    # what everybody who is signed in may do; a new one must be added here on purpose
    ("get", "/api/v1/calendars"),
    ("get", "/api/v1/calendars/{region}/{year}"),
    ("get", "/api/v1/categories"),
    ("get", "/api/v1/categories/{table}"),
    ("post", "/api/v1/categories/{table}/suggest"),
    ("get", "/api/v1/notices"),
    ("get", "/api/v1/notices/counts"),
    ("post", "/api/v1/notices/read"),
    ("post", "/api/v1/notices/{notice_id}/read"),
    ("get", "/api/v1/notice-settings"),
    ("put", "/api/v1/notice-settings"),
    ("get", "/api/v1/org-units"),
    ("get", "/api/v1/places"),
    ("get", "/api/v1/places/{code}"),
    ("get", "/api/v1/org-units/{code}"),
    ("get", "/api/v1/roles"),
    ("get", "/api/v1/sessions/current"),
    ("delete", "/api/v1/sessions/current"),
    ("post", "/api/v1/substitutions"),  # for oneself; for others it asks substitution:manage
    ("post", "/api/v1/substitutions/{substitution_id}/end"),
}


def test_every_operation_names_a_permission_that_exists_unless_everybody_may(document: Any) -> None:
    without = {
        (method, path)
        for path, method, operation in operations(document)
        if path not in OPEN
        and operation.get("x-permission") not in permissions.ALL
        and operation.get("x-serves") != "residents"  # theirs is what is their own
    }

    assert without == EVERYBODY


def test_what_is_addressed_by_its_id_may_be_not_found(document: Any) -> None:
    silent = [
        f"{method} {path}"
        for path, method, operation in operations(document)
        if "{" in path and "404" not in operation["responses"] and method != "post"
    ]

    assert silent == []


def test_every_route_is_closed_unless_it_was_opened_on_purpose(client: FlaskClient) -> None:
    closed = 0
    for rule in client.application.url_map.iter_rules():
        if rule.rule in OPEN:
            continue
        path = re.sub(r"<[^>]+>", "x", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            answer = client.open(path, method=method, json={} if method != "GET" else None)
            assert answer.status_code == 401, f"{method} {rule.rule}"
            assert answer.get_json(force=True)["type"] == "/problems/not-signed-in"
            closed += 1
    assert closed > 10


def test_every_write_that_moves_something_demands_its_key_before_it_reads_the_body(
    client: FlaskClient, document: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        client.application.extensions, "huying_authenticate", lambda token: Actor(token, token, token, token)
    )
    demanding = 0
    for path, method, operation in operations(document):
        names = [parameter.get("name") for parameter in operation.get("parameters", [])]
        if "Idempotency-Key" not in names:
            continue
        kind = "resident" if operation.get("x-serves") == "residents" else "person"
        headers = {"Authorization": f"Bearer {kind}"}
        answer = client.open(re.sub(r"{[^}]+}", "x", path), method=method, data="{", headers=headers)
        assert answer.get_json(force=True)["type"] == "/problems/idempotency-key-missing", path
        demanding += 1
    assert demanding >= 4


WRONG = (None, True, 7, -1.5, "", "  ", "x\ny", "乙" * 5000, [], {}, [None], [7], [{}], ["x"], ["x"] * 1001, {"x": None}, {"": "x"})  # fmt: skip


def mistakes(schema: Any, depth: int = 3) -> Iterator[Any]:
    """What a hand may get wrong in a body of this schema: nothing, and each field in each wrong way."""
    yield {}
    yield {"notThere": 1}
    for name, field in schema.fields.items():
        inner = field.inner if isinstance(field, fields.List) else field
        deeper = list(mistakes(inner.schema, depth - 1)) if isinstance(inner, fields.Nested) and depth else []
        for wrong in (*WRONG, *([[each] for each in deeper] if inner is not field else deeper)):
            yield {field.data_key or name: wrong}


def test_whatever_is_wrong_in_a_body_or_a_query_is_said_in_chinese(client: FlaskClient) -> None:
    asked = {
        type(each["schema"]): each["schema"]
        for view in client.application.view_functions.values()
        for each in getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", [])
    }

    told: set[tuple[str, str, str]] = set()
    for kind, schema in asked.items():
        for body in mistakes(schema):
            found = field_errors(schema.validate(body))
            told |= {(kind.__name__, each.pointer, each.message) for each in found}

    assert len(asked) > 50
    assert {each for each in told if not re.search("[一-鿿]", each[2])} == set()

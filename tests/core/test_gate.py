"""The gate: every request that a view never sees, and the answer it gets instead."""

import io
import json
import logging
import re
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app.core import config
from app.core.http import gate
from app.core.log import JsonLines
from tests.toy_api import app_with_toy


def refused(answer: Any, status: int, slug: str) -> dict[str, Any]:
    """Asserts the one shape of an error and returns its body."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.get_json(force=True)
    assert body["type"] == f"/problems/{slug}"
    assert body["status"] == status
    assert body["requestId"] == answer.headers["X-Request-Id"]
    assert body["title"]
    assert isinstance(body["errors"], list)
    return body


def raw_request(**environ: Any) -> tuple[int, dict[str, str], dict[str, Any]]:
    """A request whose environ is ours to break: no client corrects it."""
    whole = EnvironBuilder(path="/toy/notes", method="POST").get_environ() | environ
    body, status, headers = run_wsgi_app(app_with_toy(), whole)
    return int(status[:3]), dict(headers), json.loads(b"".join(body))


class Drip(io.RawIOBase):
    """A body that never ends, and counts what was read of it."""

    def __init__(self) -> None:
        self.given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = 65536 if size is None or size < 0 else size
        self.given += size
        return b"x" * size


def test_a_proper_request_reaches_the_view_as_it_was_meant(client: FlaskClient) -> None:
    sent = {
        "title": " 路灯不亮 ",
        "content": "第一行\n第二行",
        "code": "Ｄ１",
        "howMany": 3,
        "urgent": True,
        "seenAt": "2026-03-02T01:00:00Z",
        "parts": [{"name": "灯"}],
        "answers": {"main_unit": "d1-cgw", "级别": 1.5},
    }

    read = client.post("/toy/notes", json=sent).get_json()["read"]

    assert read["title"] == "路灯不亮"
    assert read["content"] == "第一行\n第二行"
    assert read["code"] == "D1"
    assert read["how_many"] == 3
    assert read["answers"] == {"main_unit": "d1-cgw", "级别": 1.5}


def test_every_wrong_field_is_named_with_pointer_code_and_chinese_words(client: FlaskClient) -> None:
    sent = {
        "title": "   ",
        "howMany": 1.0,
        "urgent": 1,
        "tone": "怒",
        "seenAt": "2026-03-02T09:00:00",
        "day": "02/03/2026",
        "parts": [{"name": "灯"}, {"nane": "杆"}],
        "status": "closed",
    }

    body = refused(client.post("/toy/notes", json=sent), 422, "fields-refused")

    found = {error["pointer"]: error["code"] for error in body["errors"]}
    assert found == {
        "/title": "required",
        "/howMany": "invalid",
        "/urgent": "invalid",
        "/tone": "not-a-choice",
        "/seenAt": "invalid-awareness",
        "/day": "invalid",
        "/parts/1/name": "required",
        "/parts/1/nane": "unknown-field",
        "/status": "unknown-field",
    }
    assert all(re.search("[一-鿿]", error["message"]) for error in body["errors"])


@pytest.mark.parametrize("number", ["1.9", "2e-42", '"1"', "true", "1.0", "-1", "101", "null", "[1]"])
def test_an_integer_in_a_body_is_really_an_integer(client: FlaskClient, number: str) -> None:
    raw = f'{{"title": "灯", "howMany": {number}}}'

    answer = client.post("/toy/notes", data=raw, content_type="application/json")

    assert refused(answer, 422, "fields-refused")["errors"][0]["pointer"] == "/howMany"


@pytest.mark.parametrize("title", ["a\u202eb", "灯\u200b", "a\nb", "a\tb", "x\u2066y"])
def test_a_title_cannot_turn_around_hide_a_letter_or_break_a_line(client: FlaskClient, title: str) -> None:
    body = refused(client.post("/toy/notes", json={"title": title}), 422, "fields-refused")

    assert body["errors"][0]["pointer"] == "/title"


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk"]
)
def test_what_is_not_json_is_told_what_would_be(client: FlaskClient, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}

    answer = client.post("/toy/notes", data=b'{"title": "x"}', headers=headers)

    refused(answer, 415, "unsupported-media")
    assert answer.headers["Accept-Post"] == "application/json"


def test_json_without_a_length_is_refused() -> None:
    status, _, body = raw_request(
        **{
            "CONTENT_TYPE": "application/json",
            "HTTP_TRANSFER_ENCODING": "chunked",
            "wsgi.input": Drip(),
            "wsgi.input_terminated": True,
        }
    )

    assert (status, body["type"]) == (411, "/problems/length-required")


def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    drip = Drip()

    status, headers, body = raw_request(
        **{"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(gate.MOST_BODY + 1), "wsgi.input": drip}
    )

    assert (status, body["type"]) == (413, "/problems/too-large")
    assert headers["Connection"] == "close"
    assert drip.given == 0


def test_a_chunked_body_without_end_is_cut_at_the_limit() -> None:
    drip = Drip()

    status, _, body = raw_request(
        **{
            "PATH_INFO": "/toy/files",
            "HTTP_TRANSFER_ENCODING": "chunked",
            "wsgi.input": drip,
            "wsgi.input_terminated": True,
        }
    )

    assert (status, body["type"]) == (413, "/problems/too-large")
    assert drip.given <= (2 << 20) + 65536


def test_a_chunked_upload_within_the_limit_is_read_whole() -> None:
    sent = b"y" * 1_500_000

    status, _, body = raw_request(
        **{
            "PATH_INFO": "/toy/files",
            "HTTP_TRANSFER_ENCODING": "chunked",
            "wsgi.input": io.BytesIO(sent),
            "wsgi.input_terminated": True,
        }
    )

    assert (status, body) == (200, {"bytes": len(sent)})


@pytest.mark.parametrize("length", ["50", "-1", "abc", "9" * 40])
def test_a_false_content_length_is_refused(length: str) -> None:
    status, _, body = raw_request(
        **{
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": length,
            "wsgi.input": io.BytesIO(b'{"title": "x"}'),
        }
    )

    assert status in (400, 413)
    assert body["type"] in ("/problems/body-truncated", "/problems/too-large")


def test_length_and_chunks_together_are_refused() -> None:
    status, _, body = raw_request(
        **{
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": "2",
            "HTTP_TRANSFER_ENCODING": "chunked",
            "wsgi.input": io.BytesIO(b"{}"),
        }
    )

    assert (status, body["type"]) == (400, "/problems/body-truncated")


@pytest.mark.parametrize("host", ["evil.example", "", "localhost.evil.example", "localhost:80:80"])
def test_an_unknown_host_is_refused(client: FlaskClient, host: str) -> None:
    refused(client.get("/version", headers={"Host": host}), 400, "host-unknown")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:5000", "[::1]:5000"])
def test_our_own_hosts_are_known_with_any_port(client: FlaskClient, host: str) -> None:
    assert client.get("/version", headers={"Host": host}).status_code == 200


def test_giant_headers_and_queries_are_refused(client: FlaskClient) -> None:
    refused(client.get("/version", headers={"X-Filler": "x" * 20_000}), 431, "headers-too-large")
    refused(client.get("/version?x=" + "y" * 9_000), 414, "uri-too-long")


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_method_cannot_be_smuggled(client: FlaskClient, header: str) -> None:
    answer = client.post("/toy/notes", json={"title": "x"}, headers={header: "DELETE"})

    refused(answer, 405, "method-not-allowed")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("method", ["TRACE", "PUT", "PATCH", "DELETE"])
def test_a_method_that_is_not_there_is_told_which_are(client: FlaskClient, method: str) -> None:
    answer = client.open("/toy/notes", method=method)

    refused(answer, 405, "method-not-allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize(
    "path", ["/nothing", "/toy//notes", "/toy/notes/", "/toy/versions/%2e%2e", "/toy/versions/a%00b"]
)
def test_a_path_that_is_not_there_is_not_found_and_never_redirected(client: FlaskClient, path: str) -> None:
    refused(client.open(path, method="POST", json={}), 404, "not-found")


def test_a_double_slash_is_not_folded_away() -> None:
    status, headers, body = raw_request(PATH_INFO="//toy/notes")

    assert (status, body["type"]) == (404, "/problems/not-found")
    assert "Location" not in headers


def test_a_view_that_nobody_opened_is_closed(client: FlaskClient) -> None:
    answer = client.get("/toy/notes")

    refused(answer, 401, "not-signed-in")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    refused(client.get("/toy/notes", headers={"Authorization": "Bearer forged"}), 401, "token-invalid")
    refused(client.get("/toy/notes", headers={"Authorization": "Basic eDp5"}), 401, "not-signed-in")


def test_an_unexpected_error_tells_nothing_but_its_number(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        body = refused(client.get("/toy/broken"), 500, "internal-error")

    assert "select" not in json.dumps(body)
    lines = [JsonLines().format(record) for record in caplog.records]
    assert any(body["requestId"] in line and "RuntimeError" in line for line in lines)
    assert not any("13800000000" in line for line in lines)


def test_a_path_full_of_controls_stays_one_log_line(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="huying.access"):
        client.get("/nothing%0d%0a{%22forged%22:1}%1b[2J\u009b31m")

    lines = [JsonLines().format(r) for r in caplog.records if r.name == "huying.access"]
    assert len(lines) == 1
    assert len(lines[0].splitlines()) == 1
    assert lines[0].isprintable()
    assert json.loads(lines[0])["status"] == 404


def test_forwarded_addresses_count_only_behind_our_own_proxies() -> None:
    app = app_with_toy()
    headers = {"X-Forwarded-For": "6.6.6.6, 10.1.1.1"}
    seen = {}
    for proxies in (0, 1, 2, 3):
        config.use(replace(config.settings(), trusted_proxies=proxies))
        with app.test_request_context("/version", headers=headers, environ_base={"REMOTE_ADDR": "192.0.2.7"}):
            seen[proxies] = gate.client_address()
    config.use(None)

    assert seen == {0: "192.0.2.7", 1: "10.1.1.1", 2: "6.6.6.6", 3: "192.0.2.7"}

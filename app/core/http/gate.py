"""The input gate: what every request passes before any view sees it."""

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from flask import Flask, Response, current_app, g, request
from flask.globals import request_ctx
from werkzeug.exceptions import ClientDisconnected

from app.core import events, ids, typed
from app.core.config import settings
from app.core.errors import (
    BadRequest,
    FieldError,
    Forbidden,
    LengthRequired,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TooLarge,
    Unprocessable,
    UnsupportedMedia,
)
from app.core.http import strict_json, waiting
from app.core.http.limits import Allowances, Left, Principal
from app.core.http.problem import HeadersTooLarge, UriTooLong

MOST_BODY = 1 << 20
MOST_HEADERS = 16 << 10
MOST_QUERY = 8 << 10
_READ = 64 << 10
_JSON = re.compile(r'application/json(\s*;\s*charset\s*=\s*"?utf-?8"?)?\s*\Z', re.IGNORECASE)
_BEARER = re.compile(r"Bearer +([\x21-\x7e]{1,512})\Z", re.IGNORECASE)
_OVERRIDES = ("HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_HTTP_METHOD", "HTTP_X_METHOD_OVERRIDE")
_PORT = re.compile(r":[0-9]{1,5}\Z")


class HostUnknown(BadRequest):
    """请求的主机名不在本系统的名单里。"""


class BodyTruncated(BadRequest):
    """内容没有传完，或长度与 Content-Length 不符。"""


class IdempotencyKeyMissing(BadRequest):
    """请带上 Idempotency-Key：每次新的办理用一个新值，重试时用同一个值。"""


class TokenInvalid(NotSignedIn):
    """登录已失效，请重新登录。"""


class QueryRefused(Unprocessable):
    """查询条件有误。"""


RESIDENT = "resident"
STAFF = frozenset(("person", "service", "system"))
"""Kinds of principals."""
STAFF_ONLY = "这是工作人员办理的事项；居民可以办理的在“我的”里。"
RESIDENTS_ONLY = "这是居民本人办理的事项，请用居民的账号登录。"

Authenticate = Callable[[str], Principal]
"""A bearer token to its owner; raises TokenInvalid."""


def install(app: Flask, authenticate: Authenticate) -> None:
    """Puts the gate before every view of the app; a view is closed unless it was marked public."""
    app.extensions["huying_authenticate"] = authenticate
    app.extensions["huying_allowances"] = Allowances()
    app.before_request(_enter)
    app.after_request(_leave)


def public(view: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a view that needs nobody signed in."""
    view.__dict__["open_to_all"] = True
    return view


def serves(*kinds: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Marks a view by whom it serves; without the mark it serves staff and services, and no resident."""

    def mark(view: Callable[..., Any]) -> Callable[..., Any]:
        view.__dict__["serves"] = frozenset(kinds)
        return view

    return mark


def writes(view: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a view that writes although it needs no Idempotency-Key: it counts as a write (limits.py)."""
    view.__dict__["writes"] = True
    return view


def moves(view: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a view that creates or moves something: it needs an Idempotency-Key."""
    view.__dict__["needs_key"] = True
    return writes(view)


def _enter() -> None:
    g.request_id = ids.new_id()
    environ = request.environ
    _check_host(environ.get("HTTP_HOST", ""))
    _check_size(environ)
    if environ.get("PATH_INFO", "").startswith("//"):
        raise NotFound  # the router would fold it into one slash, a proxy in front perhaps not
    if request.routing_exception is not None:
        raise request.routing_exception
    for name in _OVERRIDES:
        if name in environ:
            raise NotAllowed(headers={"Allow": _allowed()})
    view: Any = current_app.view_functions.get(request.endpoint or "")
    marks: Mapping[str, Any] = getattr(view, "__dict__", {})
    if marks.get("open_to_all"):
        waiting.take_turn()
    else:
        allowances: Allowances = current_app.extensions["huying_allowances"]
        g.left = allowances.admit(_token(), _arrive, writes="writes" in marks)
        _check_door(marks)
    if environ.get("QUERY_STRING"):
        _check_query(marks)
    if marks.get("needs_key") and "HTTP_IDEMPOTENCY_KEY" not in environ:
        raise IdempotencyKeyMissing


def sign_in() -> Principal:
    """Who sends this request, from its bearer token; kept for the rest of the request.

    Raises NotSignedIn without a token, TokenInvalid for a wrong, expired or withdrawn one.
    """
    if "principal" not in g:
        g.principal = current_app.extensions["huying_authenticate"](_token())
    return g.principal  # type: ignore[no-any-return]


def _check_door(marks: Mapping[str, Any]) -> None:
    """Residents use what was made for them, and nobody else uses it, whatever permissions say."""
    who = sign_in()
    if who.kind not in marks.get("serves", STAFF):
        events.security("forbidden", who.id, _route(), {"kind": who.kind})
        raise Forbidden(STAFF_ONLY if who.kind == RESIDENT else RESIDENTS_ONLY)


def _route() -> str:
    return request.url_rule.rule if request.url_rule is not None else request.path


def _arrive() -> Principal:
    waiting.take_turn()
    return sign_in()


def _token() -> str:
    found = _BEARER.match(request.headers.get("Authorization", ""))
    if found is None:
        raise NotSignedIn(headers={"WWW-Authenticate": "Bearer"})
    return found[1]


def raw_body(most: int = MOST_BODY) -> bytes:
    """The body as sent, at most `most` bytes, chunked or not, read once.

    Raises TooLarge before reading on, BodyTruncated when it ends too soon.
    """
    if "raw_body" not in g:
        g.raw_body = b"".join(body_parts(most))
    return g.raw_body  # type: ignore[no-any-return]


def json_body() -> Any:
    """The body as strict JSON, parsed once.

    Raises UnsupportedMedia (415, with Accept-Post), LengthRequired (411), TooLarge (413) and the problems of
    strict_json.
    """
    if "json_body" not in g:
        if not _JSON.match(request.headers.get("Content-Type", "")):
            raise UnsupportedMedia(headers={"Accept-Post": "application/json"})
        if request.environ.get("CONTENT_LENGTH") in (None, ""):
            raise LengthRequired
        typed.begin()
        g.json_body = strict_json.parse(raw_body())
    return g.json_body


def client_address() -> str:
    """The caller's address: X-Forwarded-For counts only as far as our own proxies wrote it."""
    seen = request.environ.get("REMOTE_ADDR") or ""
    trusted = settings().trusted_proxies
    if trusted:
        chain = [
            part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()
        ]
        if len(chain) >= trusted:
            seen = chain[-trusted]
    try:
        return str(ip_address(seen))
    except ValueError:
        return ""


def body_parts(most: int) -> Iterator[bytes]:
    """The body as sent, piece by piece, chunked or not. Raises as `raw_body` does; can be read only once."""
    environ = request.environ
    text = environ.get("CONTENT_LENGTH") or ""
    chunked = environ.get("HTTP_TRANSFER_ENCODING", "") != ""
    if text and chunked:
        raise BodyTruncated  # the two may disagree, and a proxy may believe the other one
    if text:
        if not (text.isascii() and text.isdigit()):
            raise BodyTruncated
        expected = int(text) if len(text) < 16 else most + 1
        if expected > most:
            raise _too_large(most)
    else:
        expected = None
    # Not request.stream: it answers a chunked body over the limit with its beginning and no error.
    source = environ["wsgi.input"]
    got = 0
    try:
        while expected is None or got < expected:
            if expected is None and not (chunked or environ.get("wsgi.input_terminated")):
                break
            part = source.read(min(_READ, expected - got) if expected is not None else _READ)
            if not part:
                break
            got += len(part)
            if got > most:
                raise _too_large(most)
            yield part
    except (OSError, ClientDisconnected):
        raise BodyTruncated from None
    if expected is not None and got < expected:
        raise BodyTruncated


def _too_large(most: int) -> TooLarge:
    said = f"{most >> 20} MB" if most >= 1 << 20 else f"{most >> 10} KB"
    return TooLarge(f"最多 {said}。", headers={"Connection": "close"})


def _check_host(host: str) -> None:
    name = _PORT.sub("", host).lower()
    if name not in _hosts(settings().hosts):
        raise HostUnknown


def _hosts(names: tuple[str, ...]) -> frozenset[str]:
    found = _HOSTS.get(names)
    if found is None:
        found = _HOSTS[names] = frozenset(name.lower() for name in names)
    return found


_HOSTS: dict[tuple[str, ...], frozenset[str]] = {}


def _check_size(environ: Mapping[str, Any]) -> None:
    # The server's environ also holds the process's own variables, so only HTTP_ names count.
    size = sum(len(value) + len(name) for name, value in environ.items() if name[:5] == "HTTP_")
    if size > MOST_HEADERS:
        raise HeadersTooLarge
    if len(environ.get("QUERY_STRING", "")) > MOST_QUERY or len(environ.get("PATH_INFO", "")) > MOST_QUERY:
        raise UriTooLong


def _allowed() -> str:
    adapter = request_ctx.url_adapter
    return ", ".join(sorted(adapter.allowed_methods())) if adapter is not None else ""


def _check_query(marks: Mapping[str, Any]) -> None:
    known: Mapping[str, bool] = marks.get("query_names", {})
    errors = []
    for name, values in request.args.lists():
        if name not in known:
            errors.append(FieldError("?" + _short(name), "unknown-field", "没有这个查询条件。"))
        elif len(values) > 1 and not known[name]:
            errors.append(FieldError("?" + name, "repeated", "这个查询条件只能写一次。"))
        elif any(strict_json.clean(value) is None for value in values):
            errors.append(FieldError("?" + name, "text-invalid-character", "文字中有不允许的字符。"))
    if errors:
        raise QueryRefused(errors=errors[:20])


def _short(name: str) -> str:
    return "".join(c for c in name[:60] if c.isprintable())


def _leave(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    left: Left | None = g.get("left")
    if left is not None:
        response.headers.update(left.headers())
    return response

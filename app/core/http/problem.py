"""Every error leaves as application/problem+json (RFC 9457): translated here once, and nowhere else."""

import logging
from collections.abc import Callable
from typing import Any

import orjson
from flask import Flask, Response, g, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from app.core import dialects, personal
from app.core.errors import (
    BadRequest,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    Gone,
    LengthRequired,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Problem,
    StorageFull,
    TooLarge,
    TooMany,
    Unavailable,
    Unprocessable,
    UnsupportedMedia,
)
from app.core.seldom import Seldom

log = logging.getLogger("huying.http")

_not_served = Seldom(log, "the database could not serve")

MEDIA_TYPE = "application/problem+json"


class InternalError(Problem):
    """系统内部出错，已记录；请把请求编号告诉管理员。"""

    status = 500


class UriTooLong(Problem):
    """请求地址太长。"""

    status = 414


class HeadersTooLarge(Problem):
    """请求头太大。"""

    status = 431


_BY_CODE: dict[int, type[Problem]] = {
    400: BadRequest,
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    405: NotAllowed,
    409: Conflict,
    410: Gone,
    411: LengthRequired,
    413: TooLarge,
    414: UriTooLong,
    415: UnsupportedMedia,
    422: Unprocessable,
    429: TooMany,
    431: HeadersTooLarge,
    503: Unavailable,
}


def respond(problem: Problem) -> Response:
    """The answer of a problem: its own headers kept, instance data beside the standard members."""
    covered = personal.covered  # what was typed in the wrong place must not come back in a message
    body: dict[str, Any] = {
        "type": f"/problems/{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": covered(problem.detail or problem.title),
        "requestId": g.get("request_id", ""),
        "errors": [
            {"pointer": covered(e.pointer), "code": e.code, "message": covered(e.message)}
            for e in problem.errors
        ],
    }
    for name, value in problem.extra.items():
        body.setdefault(name, value)
    response = Response(orjson.dumps(body, default=str), status=problem.status, mimetype=MEDIA_TYPE)
    for name, text in problem.headers.items():
        response.headers[name] = text
    if problem.status == 401:
        response.headers.setdefault("WWW-Authenticate", "Bearer")
    if problem.status == 503 or problem.status == 429:
        response.headers.setdefault("Retry-After", "1")
    return response


def from_http(error: HTTPException) -> Response:
    """A framework's own exception: its code decides, its headers (Allow …) stay, its English text goes."""
    code = error.code or 500
    if error.response is not None or code < 400:  # a redirect or a ready answer is not an error
        return error.get_response(request.environ)  # type: ignore[return-value]
    kept = {name: value for name, value in error.get_headers(request.environ) if name != "Content-Type"}
    if "Allow" in kept:
        kept["Allow"] = ", ".join(sorted(kept["Allow"].split(", ")))
    return respond(_BY_CODE.get(code, BadRequest if code < 500 else InternalError)(headers=kept))


def from_database(error: Exception) -> Problem | None:
    """What a database's complaint means to a person, or None when it is our own fault."""
    if isinstance(error, PoolTimeout):
        return Unavailable(headers={"Retry-After": "1"})
    if not isinstance(error, DBAPIError):
        return None
    if dialects.is_full(error):
        return StorageFull(headers={"Retry-After": "60"})
    if dialects.is_lost(error):
        return DatabaseUnavailable(headers={"Retry-After": "2"})
    if dialects.is_busy(error):
        return Unavailable(headers={"Retry-After": "1"})
    return None


def install(app: Flask) -> None:
    """Makes every way of failing answer in the one shape."""
    handlers: list[tuple[type[Exception], Callable[[Any], Response]]] = [
        (Problem, respond),
        (HTTPException, from_http),
        (Exception, _unexpected),
    ]
    for kind, handler in handlers:
        app.register_error_handler(kind, handler)


def _unexpected(error: Exception) -> Response:
    problem = from_database(error)
    if problem is None:
        log.error(
            "a request failed", exc_info=error, extra={"fields": {"requestId": g.get("request_id", "")}}
        )
        problem = InternalError()
    else:
        _not_served.note(problem=problem.slug)
    return respond(problem)

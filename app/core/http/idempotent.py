"""Idempotency-Key: makes the `Once` of a request, and sends exactly the bytes that were stored."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from cryptography.hazmat.primitives import hashes
from flask import Response, g, request

from app.core import clock
from app.core import once as core_once
from app.core.db import Session, transaction
from app.core.errors import BadRequest
from app.core.http import gate
from app.core.once import Once, Stored

_KEY = re.compile(r"[\x21-\x7e]{1,200}\Z")


class IdempotencyKeyInvalid(BadRequest):
    """Idempotency-Key 应为 1–200 个可见的英文字符。"""


def once(render: Callable[[Any], Stored], content: bytes | None = None) -> Once:
    """The identity of this request. `render` makes the answer of the result, before the commit.

    `content` stands for the body where its bytes differ from one retry to the next (multipart).

    Raises IdempotencyKeyMissing or IdempotencyKeyInvalid.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        raise gate.IdempotencyKeyMissing
    if not _KEY.match(key):
        raise IdempotencyKeyInvalid

    def remembered(result: Any) -> Stored:
        g.stored = render(result)
        return g.stored  # type: ignore[no-any-return]

    core_once.warm()
    return Once(
        principal=gate.sign_in().id,
        method=request.method,
        route=request.url_rule.rule if request.url_rule is not None else request.path,
        key=key,
        fingerprint=_fingerprint(gate.raw_body() if content is None else content),
        render=remembered,
    )


def stored(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Stored:
    """An answer with a JSON body, as bytes, for `render` to return."""
    return Stored(status, {"Content-Type": "application/json", **(headers or {})}, orjson.dumps(body))


def send(result: Any = None) -> Response:
    """The answer of a write: a replayed `Stored` as it is, else what `render` made for this request."""
    answer: Stored = result if isinstance(result, Stored) else g.stored
    return Response(answer.body, status=answer.status, headers=dict(answer.headers))


def write(
    act: Callable[[Session], Any], render: Callable[[Any], Stored], content: bytes | None = None
) -> Response:
    """A write that moves no case, in a transaction of its own: begin, act, keep the answer, send it."""
    this = once(render, content)
    with transaction() as session:
        answer = core_once.begin(session, this)
        if answer is None:
            answer = this.render(act(session))
            core_once.finish(session, this, answer, clock.now(session))
    return send(answer)


def _fingerprint(body: bytes) -> str:
    # SM3 of path, query and raw body; a line feed cannot stand inside the first two.
    digest = hashes.Hash(hashes.SM3())
    digest.update(request.path.encode() + b"\n" + request.query_string + b"\n")
    digest.update(body)
    return digest.finalize().hex()

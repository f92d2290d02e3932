"""Idempotency-Key: makes the `Once` of a request, and sends exactly the bytes that were stored."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from cryptography.hazmat.primitives import hashes
from flask import Response, g, request

from app.core import once as core_once
from app.core.db import Session
from app.core.errors import BadRequest, FieldError
from app.core.http import gate
from app.core.once import Once, Stored

_KEY = re.compile(r"[\x21-\x7e]{1,200}\Z")


DRY_RUN = "dryRun"
"""The question of a trial; the gate lets it in only where a view is marked by `tries`."""


class IdempotencyKeyInvalid(BadRequest):
    """Idempotency-Key 应为 1–200 个可见的英文字符。"""


def once(render: Callable[[Any], Stored], content: bytes | None = None, *, tells: bool = True) -> Once:
    """The identity of this request. `render` makes the answer of the result, before the commit.

    `content` stands for the body where its bytes differ from one retry to the next (multipart).
    `tells` false: a trial answers as the write itself would, whoever asks need not see the steps inside.

    Raises IdempotencyKeyMissing or IdempotencyKeyInvalid.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        raise gate.IdempotencyKeyMissing
    if not _KEY.match(key):
        raise IdempotencyKeyInvalid

    dry = _only_tried()

    def remembered(result: Any) -> Stored:
        would = getattr(result, "would", None) if dry and tells else None
        g.stored = render(result) if would is None else stored(200, {"dryRun": True, "would": would})
        return g.stored  # type: ignore[no-any-return]

    core_once.warm()
    return Once(
        principal=gate.sign_in().id,
        method=request.method,
        route=request.url_rule.rule if request.url_rule is not None else request.path,
        key=key,
        fingerprint=_fingerprint(gate.raw_body() if content is None else content),
        render=remembered,
        dry=dry,
    )


def _only_tried() -> bool:
    """Whether the request is a trial. Raises QueryRefused for `dryRun=yes`, which is not to happen."""
    said = request.args.get(DRY_RUN)
    if said not in (None, "true"):
        raise gate.QueryRefused(errors=[FieldError(f"?{DRY_RUN}", "not-allowed", "只能写 true。")])
    return said is not None


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
    """A write that moves no case, in a transaction of its own, whose answer is kept with it."""
    return send(core_once.answered(once(render, content), lambda session: (act(session), None)))


def _fingerprint(body: bytes) -> str:
    # SM3 of path, query and raw body; a line feed cannot stand inside the first two.
    digest = hashes.Hash(hashes.SM3())
    digest.update(request.path.encode() + b"\n" + request.query_string + b"\n")
    digest.update(body)
    return digest.finalize().hex()

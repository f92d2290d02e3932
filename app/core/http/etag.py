"""ETag and If-Match: only their format; whether a revision is stale is decided under the lock."""

import re

from flask import request

from app.core.errors import BadRequest, IfMatchMissing, Stale

_TAG = re.compile(r'"?([0-9]{1,18})"?\Z')


class IfMatchInvalid(BadRequest):
    """If-Match 应为一个版本号，如 "3"。"""


def if_match() -> int | None:
    """The revision the caller saw, or None when the header is missing.

    Missing is not refused here: "already done" and "taken" are answered before it (see `agree`).
    """
    text = request.headers.get("If-Match")
    if text is None:
        return None
    found = _TAG.match(text.strip())
    if found is None:
        raise IfMatchInvalid
    return int(found[1])


def etag(revision: int) -> dict[str, str]:
    """The header that tells a row's revision."""
    return {"ETag": f'"{revision}"'}


def agree(seen: int | None, current: int) -> None:
    """Called under the lock, after authority and state: raises IfMatchMissing (428) or Stale (412)."""
    if seen is None:
        raise IfMatchMissing(headers=etag(current))
    if seen != current:
        raise Stale(headers=etag(current), revision=current)

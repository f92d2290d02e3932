"""Whether this process lives, whether it can serve, which version it is, and the document of the API."""

import logging
import shutil
from collections.abc import Callable

import orjson
from flask import Flask, Response, current_app

from app.core import db, wake
from app.core.config import REPOSITORY, settings
from app.core.errors import DatabaseUnavailable, Unavailable
from app.core.http.api import openapi_of, sent
from app.core.http.gate import public

log = logging.getLogger("huying.health")

LEAST_DISK = 0.05

_components: dict[str, Callable[[db.Session], str]] = {}


def component(name: str, ask: Callable[[db.Session], str]) -> None:
    """Adds a word to /readyz that somebody should read; it decides nothing."""
    _components[name] = ask


class NotReady(Unavailable):
    """服务还没有准备好。"""


def install(app: Flask, version: str) -> None:
    """Adds /healthz, /readyz, /version and /openapi.json; nobody needs to sign in for them."""
    whole: list[bytes] = []

    @public
    def healthz() -> Response:
        """The process is alive."""
        return sent({"status": "ok"})

    @public
    def readyz() -> Response:
        """Database, migrations and disk decide; Redis away is degraded, not unready."""
        parts = {**_database(), "disk": _disk(), "redis": _redis()}
        if parts["migrations"] in ("current", "ahead"):
            parts |= {name: _asked(ask) for name, ask in _components.items()}
        if parts["database"] != "ok" or parts["migrations"] == "behind" or parts["disk"] != "ok":
            raise NotReady(components=parts)
        return sent({"status": "ok", "components": parts})

    @public
    def version_() -> Response:
        """Which release this is."""
        return sent({"name": "Huying", "version": version})

    @public
    def openapi() -> Response:
        """The OpenAPI 3.1 document, made once."""
        if not whole:
            whole.append(orjson.dumps(openapi_of(current_app)))
        return Response(whole[0], mimetype="application/json")

    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/readyz", view_func=readyz)
    app.add_url_rule("/version", "version", view_func=version_)
    app.add_url_rule("/openapi.json", view_func=openapi)


def _database() -> dict[str, str]:
    try:
        return {"database": "ok", "migrations": db.ready()}
    except DatabaseUnavailable:
        return {"database": "unavailable", "migrations": "unknown"}


def _asked(ask: Callable[[db.Session], str]) -> str:
    try:
        with db.reading() as session:
            return ask(session)
    except Exception:  # the word is for people; the door must not close over it
        log.exception("a component could not be asked")
        return "unknown"


def _disk() -> str:
    """Ours, and the one of the attachments."""
    files = settings().files
    places = [REPOSITORY, *([files] if files is not None and files.is_dir() else [])]
    disks = [shutil.disk_usage(place) for place in places]
    return "ok" if all(disk.free > disk.total * LEAST_DISK for disk in disks) else "full"


def _redis() -> str:
    url = settings().redis_url
    if url is None:
        return "not configured"
    try:
        wake.connection(url).ping()
    except Exception:  # whatever it is, the ticker works without Redis
        return "unavailable"
    return "ok"

"""One JSON line a request: who, what, how long; never a body, a header or a query."""

import logging
from urllib.parse import quote

from flask import Flask, Response, g, request

from app.core import clock, personal

log = logging.getLogger("huying.access")


def install(app: Flask) -> None:
    """Writes a line after every request, refused ones too."""
    app.before_request(_start)
    app.after_request(_write)


def _start() -> None:
    g.started = clock.monotonic()


def _write(response: Response) -> Response:
    if log.isEnabledFor(logging.INFO):
        rule = request.url_rule
        fields = {
            "requestId": g.get("request_id", ""),
            "method": request.method[:20],
            # A path that no route knows is somebody's text: encoded, so that it cannot steer a terminal.
            "route": rule.rule if rule is not None else quote(personal.covered(request.path))[:200],
            "status": response.status_code,
            "ms": round((clock.monotonic() - g.get("started", clock.monotonic())) * 1000, 1),
            "actorId": getattr(g.get("principal"), "id", None),
        }
        log.info("request", extra={"fields": fields})
    return response

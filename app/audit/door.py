"""Audit in the web process: security events are written after each request, refused or not."""

from flask import Flask, Response

from app.audit import streams


def install(app: Flask) -> None:
    """Listens to security events, and writes what waited once the request's own transaction has ended."""
    streams.install()
    app.after_request(_keep)


def _keep(response: Response) -> Response:
    streams.write_waiting()
    return response

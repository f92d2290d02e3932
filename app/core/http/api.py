"""flask-smorest in our words: strict bodies in, orjson out, a view's permission and problems documented."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, NoReturn

import flask_smorest
import orjson
from flask import Flask, Request, Response
from flask.json.provider import JSONProvider
from marshmallow import INCLUDE, RAISE, ValidationError, fields
from webargs.flaskparser import FlaskParser
from werkzeug.routing import BaseConverter

from app.core.errors import Problem, slug_of, title_of
from app.core.http import gate, refusals
from app.core.http.fields import FieldsRefused, Schema, field_errors
from app.core.http.idempotent import DRY_RUN
from app.core.http.problem import MEDIA_TYPE

View = Callable[..., Any]

IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "description": "每次新的办理用一个新值，重试时用同一个值；24 小时内得到同一份回答。",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "description": "您看到的版本号（ETag）。缺少时回答 428，已过期时回答 412。",
    "schema": {"type": "string", "pattern": '^"?[0-9]{1,18}"?$'},
}

TRIAL = {
    "in": "query",
    "name": DRY_RUN,
    "required": False,
    "description": "true：先看看会怎样，什么都不保存；会被拒绝的照样拒绝。",
    "schema": {"type": "string", "enum": ["true"]},
}


class Orjson(JSONProvider):
    """orjson for everything Flask itself writes."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Any:
        obj = args[0] if len(args) == 1 and not kwargs else (list(args) or kwargs or None)
        return sent(obj)


class StrictParser(FlaskParser):
    """Arguments through the gate: strict JSON, unknown names refused everywhere, errors as one problem."""

    DEFAULT_UNKNOWN_BY_LOCATION = dict.fromkeys(
        ("json", "query", "querystring", "path", "view_args", "form", "files"), RAISE
    )

    def _raw_load_json(self, req: Request) -> Any:
        return gate.json_body()

    def load_querystring(self, req: Request, schema: Any) -> Any:
        many = _list_names(schema)
        return {name: values if name in many else values[0] for name, values in req.args.lists()}

    def handle_error(self, error: ValidationError, req: Request, schema: Any, **_: Any) -> NoReturn:
        messages: Any = error.messages
        found = []
        for location, inner in messages.items():
            errors = field_errors(inner)
            if location in ("query", "querystring"):
                errors = [type(e)("?" + e.pointer.lstrip("/"), e.code, e.message) for e in errors]
            found.extend(errors)
        raise FieldsRefused(errors=found)


class Blueprint(flask_smorest.Blueprint):
    """A noun's views. Each is closed unless `public`, and says what it needs and how it may fail."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks += [_add_headers, _add_trial]

    def arguments(self, schema: Any, *, location: str = "json", **kwargs: Any) -> Any:
        decorate = super().arguments(schema, location=location, **kwargs)
        if location not in ("query", "querystring"):
            return decorate

        def with_names(view: View) -> View:
            decorated = decorate(view)
            many = _list_names(schema)
            names = {f.data_key or name: (f.data_key or name) in many for name, f in schema.fields.items()}
            decorated.__dict__["query_names"] = {**decorated.__dict__.get("query_names", {}), **names}
            return decorated  # type: ignore[no-any-return]

        return with_names

    @staticmethod
    def public(view: View) -> View:
        """Anybody may call it, signed in or not."""
        return _noted(gate.public(view), security=[])

    @staticmethod
    def moves(view: View) -> View:
        """Creates or moves something: Idempotency-Key required."""
        return _noted(gate.moves(view), parameters=[IDEMPOTENCY_KEY])

    @staticmethod
    def tries(schema: type[Schema] | None = None) -> Callable[[View], View]:
        """Can be tried with ?dryRun=true: it answers as `schema` shows, or as the write itself would, and
        keeps nothing. Whatever would refuse the write refuses the trial.
        """

        def decorate(view: View) -> View:
            view.__dict__["query_names"] = {**view.__dict__.get("query_names", {}), DRY_RUN: False}
            noted = _noted(view, parameters=[TRIAL])
            noted.__dict__["_apidoc"]["trial"] = schema
            return noted

        return decorate

    writes = staticmethod(gate.writes)

    @staticmethod
    def residents(view: View) -> View:
        """Serves residents, and nobody else."""
        return _noted(gate.serves(gate.RESIDENT)(view), **{"x-serves": "residents"})

    @staticmethod
    def everybody(view: View) -> View:
        """Serves whoever is signed in, residents too."""
        return _noted(gate.serves(*gate.STAFF, gate.RESIDENT)(view), **{"x-serves": "everybody"})

    @staticmethod
    def uploads(schema: dict[str, Any]) -> Callable[[View], View]:
        """Takes multipart/form-data, which core/http/multipart reads."""
        body = {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
        return lambda view: _noted(view, requestBody=body)

    @staticmethod
    def if_match(view: View) -> View:
        """Writes a row that has a revision: If-Match is read."""
        return _noted(view, parameters=[IF_MATCH])

    @staticmethod
    def needs(permission: str) -> Callable[[View], View]:
        """Documents the permission that the service asks for; it is the service that asks."""

        def decorate(view: View) -> View:
            return _noted(view, **{"x-permission": permission})

        return decorate

    @staticmethod
    def problems(*kinds: type[Problem]) -> Callable[[View], View]:
        """Documents how the view may fail, beside what every view may answer."""

        def decorate(view: View) -> View:
            responses: dict[str, Any] = {}
            for kind in kinds:
                entry = responses.setdefault(str(kind.status), {"description": "", "content": _PROBLEM})
                line = f"`{slug_of(kind)}` {title_of(kind)}"
                entry["description"] = f"{entry['description']}\n\n{line}".strip()
            return _noted(view, responses=responses)

        return decorate


_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


class FieldErrorOut(Schema):
    """One wrong field."""

    pointer = fields.String(required=True, metadata={"description": "JSON 指针；查询条件写作 ?名称"})
    code = fields.String(required=True)
    message = fields.String(required=True, metadata={"description": "给人看的中文说明"})


class ProblemOut(Schema):
    """How every error looks (RFC 9457); some have more members: `who`, `when`, `link`, `permission` …"""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True, metadata={"description": "/problems/<slug>"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(FieldErrorOut), required=True)


class Api(flask_smorest.Api):
    """OpenAPI of the whole; errors belong to problem.py."""

    ERROR_SCHEMA = ProblemOut

    def _register_error_handlers(self) -> None:
        """problem.install does it for every route, documented or not."""

    def _register_responses(self) -> None:
        self.spec.components.schema("Problem", schema=ProblemOut)
        self.spec.components.response(
            "DEFAULT_ERROR", {"description": refusals.told(), "content": _PROBLEM}, lazy=True
        )
        self.spec.components.response(
            "UNPROCESSABLE_ENTITY", {"description": "填写内容有误", "content": _PROBLEM}, lazy=True
        )
        self.spec.components.response(
            "UNPROCESSABLE_CONTENT", {"description": "填写内容有误", "content": _PROBLEM}, lazy=True
        )


class IdConverter(BaseConverter):
    """An opaque id in a path; anything else is simply not found."""

    regex = "[0-9A-Za-z][0-9A-Za-z_-]{0,63}"
    part_isolating = True


def sent(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`body` as it is, as JSON; the operation's schema only documents it, and a test compares the two."""
    return Response(orjson.dumps(body), status=status, mimetype="application/json", headers=headers)


def nothing() -> Response:
    """204: done, and there is nothing to say."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def create_api(app: Flask, *, title: str, version: str) -> Api:
    """The Api of an app, with our converters, JSON provider and security scheme."""
    app.json = Orjson(app)
    app.url_map.merge_slashes = False  # `//` is not found; a redirect would be one more answer to secure
    app.url_map.converters["id"] = IdConverter
    app.config.update(API_TITLE=title, API_VERSION=version, OPENAPI_VERSION="3.1.0")
    api = Api(
        app,
        spec_kwargs={
            "security": [{"bearer": []}],
            "servers": [{"url": "/"}],
        },
    )
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    api.register_converter(
        IdConverter, lambda _: {"type": "string", "pattern": "^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$"}
    )
    return api


def openapi_of(app: Flask) -> Any:
    """The OpenAPI document of everything registered with the app's Api."""
    return _without_null_defaults(app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict())


def _without_null_defaults(part: Any) -> Any:
    # "default: null" beside "type: string" contradicts itself; left out means the same.
    if isinstance(part, dict):
        return {
            name: _without_null_defaults(inner)
            for name, inner in part.items()
            if not (name == "default" and inner is None)
        }
    return [_without_null_defaults(inner) for inner in part] if isinstance(part, list) else part


def _noted(view: View, **doc: Any) -> View:
    """Adds to a view's OpenAPI entry without wrapping it once more."""
    info = deepcopy(getattr(view, "_apidoc", {}))
    info.setdefault("header_parameters", []).extend(doc.pop("parameters", []))
    manual = info.setdefault("manual_doc", {})
    for status, entry in doc.pop("responses", {}).items():
        kept = manual.setdefault("responses", {}).setdefault(status, {**entry, "description": ""})
        kept["description"] = f"{kept['description']}\n\n{entry['description']}".strip()
    manual.update(doc)
    view.__dict__["_apidoc"] = info
    return view


def _add_headers(doc: dict[str, Any], info: dict[str, Any], **_: Any) -> dict[str, Any]:
    # Not in manual_doc: there a list of parameters would replace the query's.
    headers = info.get("header_parameters", [])
    if headers:
        doc["parameters"] = [*doc.get("parameters", []), *headers]
    return doc


def _add_trial(doc: dict[str, Any], info: dict[str, Any], **_: Any) -> dict[str, Any]:
    # A trial answers 200 with a shape of its own, whatever the write itself answers.
    if (trial := info.get("trial")) is not None:
        responses = doc.setdefault("responses", {})
        status = next((each for each in responses if str(each) == "200"), "200")
        entry = responses.setdefault(status, {"description": "先看看的结果"})
        kind = entry.setdefault("content", {}).setdefault("application/json", {})
        kind["schema"] = {"anyOf": [kind["schema"], trial]} if "schema" in kind else trial
    return doc


def _list_names(schema: Any) -> frozenset[str]:
    return frozenset(f.data_key or name for name, f in schema.fields.items() if isinstance(f, fields.List))

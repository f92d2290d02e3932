"""One operation of the document, asked again and again: by its schema, against its schema, and with words that fit."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, checks
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from werkzeug.test import Client, TestResponse

from tests.fuzz.district import District
from tests.fuzz.right import RIGHT

checks.load_all_checks()
CHECKS = checks.CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)
STRICT = checks.CHECKS.get_by_names(["negative_data_rejection"])
IDS = {"to", "into", "task", "case"}
FRESH = {"externalNo", "messageId", "Idempotency-Key"}
DELIBERATE = {503}
FITS = 7
"""Of ten places with a known word, how many get one."""


@dataclass
class Played:
    """What became of one operation: how often it answered what, and what no answer may be."""

    statuses: Counter[str] = field(default_factory=Counter)
    findings: dict[str, str] = field(default_factory=dict)

    @property
    def succeeded(self) -> int:
        return sum(count for status, count in self.statuses.items() if status[0] == "2")


class Whole(Client):
    """Reads an answer to its end, so that the file behind it is closed."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, **{**kwargs, "buffered": True})


def play(district: District, operation: APIOperation, examples: int, start: int) -> Played:
    """Asks so often, half by the schema and half against it, from one seed; goes on after a finding."""
    district.refresh(writes=operation.method != "get")
    raw = operation.definition.raw
    token = district.token_of(raw)
    cases = {mode: operation.as_strategy(mode) for mode in GenerationMode}
    client: Any = Whole(district.world.app)
    played = Played()
    number = 0
    if operation.label in RIGHT:
        answer = Response.from_any(RIGHT[operation.label](district))
        note(played, operation.Case(), answer, [], RIGHT[operation.label].__name__)

    def ask(data: st.DataObject, mode: GenerationMode) -> None:
        nonlocal number
        number += 1
        case = data.draw(cases[mode])
        fitted = mode == GenerationMode.POSITIVE or data.draw(st.booleans())
        if fitted:
            # One draw for all of it: how many choices there are depends on rows, and hypothesis wants the same.
            luck = Random(data.draw(st.integers(0, 2**32)))
            fit(district, case, raw, luck, number, f"{start}-{number}")
        answer = case.call(session=client, headers={"Authorization": f"Bearer {token}"})
        # Only what was sent and taken is held against the schema: an empty list in a query is not sent at all,
        # and 414 is a refusal as well.
        wrong = not fitted and [] not in (case.query or {}).values()
        note(played, case, answer, STRICT if wrong and answer.status_code < 300 else [])

    for mode in GenerationMode:
        try:
            repeated(ask, mode, examples // 2, start)
        except Exception as error:  # the generator gave up: nothing can be sent against this schema
            if "Unsatisfiable" not in type(error).__name__:
                raise
    return played


def repeated(ask: Any, mode: GenerationMode, examples: int, start: int) -> None:
    @seed(start)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def run(data: st.DataObject) -> None:
        ask(data, mode)

    run()


def fit(district: District, case: Case, raw: Mapping[str, Any], luck: Random, number: int, key: str) -> None:
    """Puts words that mean something where the request asks for them by name.

    The first request is the document's own example, with ids that exist: all of it should fit.
    """

    def chosen(name: str) -> Any:
        return luck.choice(district.words_for(name))

    def often() -> bool:
        return luck.randrange(10) < FITS or number == 1

    def filled(told: dict[str, Any]) -> dict[str, Any]:
        return {
            name: chosen(name) if district.words_for(name) and often() else value
            for name, value in told.items()
        }

    case.path_parameters = filled(dict(case.path_parameters or {}))
    query = filled(dict(case.query or {}))
    if "filter" in query and often():
        query["filter"] = chosen("filter_id")
    case.query = query
    content = raw.get("requestBody", {}).get("content", {}).get("application/json", {})
    if "example" in content and often():
        case.body = dict(content["example"])
    if isinstance(case.body, dict):
        known = case.body if number > 1 else {name: case.body[name] for name in IDS & case.body.keys()}
        case.body = {**case.body, **filled(known)}
    for part in (case.headers, case.body):
        for name in FRESH & part.keys() if isinstance(part, Mapping) else ():
            if often():
                part[name] = key
    revision = district.revision(case.path_parameters)
    if revision is not None and takes_if_match(raw) and often():
        case.headers["If-Match"] = f'"{revision}"'


def takes_if_match(raw: Mapping[str, Any]) -> bool:
    return any(parameter.get("name") == "If-Match" for parameter in raw.get("parameters", []))


def note(played: Played, case: Case, answer: Response, more: list[Any], asked: str | None = None) -> None:
    """Counts the answer and keeps, once each, what is wrong with it."""
    slug = ""
    if answer.status_code >= 400:
        slug = str(answer.json().get("type", "")).removeprefix("/problems/")
    played.statuses[f"{answer.status_code} {slug}".strip()] += 1
    wrong = []
    if answer.status_code not in DELIBERATE:
        try:
            case.validate_response(answer, checks=CHECKS + more)
        except (Failure, FailureGroup) as error:
            wrong = [f"{each.title}: {each.message}" for each in getattr(error, "exceptions", (error,))]
    if answer.status_code >= 400 and slug not in documented(case, answer.status_code):
        wrong.append(f"the document does not know {answer.status_code} {slug} here")
    for line in wrong:
        request = case.as_curl_command() if asked is None else asked
        played.findings.setdefault(
            line[:300], f"{request}\n  → {answer.status_code} {answer.content[:600].decode(errors='replace')}"
        )


def documented(case: Case, status: int) -> set[str]:
    """The slugs that the operation tells for this status, and those that the document tells for all."""
    common = case.operation.schema.raw_schema["components"]["responses"]["DEFAULT_ERROR"]
    own = case.operation.definition.raw["responses"].get(str(status), {})
    return set(re.findall("`([a-z-]+)`", common["description"] + own.get("description", "")))

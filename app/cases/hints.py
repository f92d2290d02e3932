"""What is only said beside a case or its form, and asked of nobody: repeated appeals, the process's own."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.bundles import Bundle
from app.cases import repeats
from app.cases.motion import Row, expression_data
from app.cases.repeats import Earlier
from app.engine.expressions import ExpressionError

log = logging.getLogger("huying.cases")


@dataclass(frozen=True)
class Hint:
    """One thing that is said; `cases` are those it points to."""

    code: str
    text: str
    cases: tuple[Earlier, ...] = ()


def of_case(bundle: Bundle, case: Row) -> list[dict[str, Any]]:
    """The process's own hints of a case whatever its step, as they leave the house."""
    return shown(list(holding(bundle, case)))


def holding(bundle: Bundle, case: Row, step: str | None = None) -> Iterator[Hint]:
    """The process's own hints that hold now (process.yaml `prompts`), at a step only those named for it."""
    rules = [hint for hint in bundle.process.prompts if step is None or step in hint.steps]
    data = expression_data(bundle, case) if rules else {}
    for hint in rules:
        try:
            if hint.when.evaluate(data, {}):
                yield Hint(hint.key, hint.text)
        except ExpressionError as error:  # a hint that fails says nothing; the case goes on without it
            log.warning("the hint %s of %s failed: %s", hint.key, bundle.key, error.en)


def repeated(earlier: Sequence[Earlier]) -> Hint:
    """Of the earliest, with how many there are; who reads it may link, merge, or go on."""
    return Hint("repeated-appeal", repeats.says(earlier), tuple(earlier))


def before_filing(earlier: Sequence[Earlier]) -> list[dict[str, Any]]:
    """What is to be said before a case is filed that would repeat `earlier`, as it leaves the house."""
    return shown([repeated(earlier)] if earlier else [])


def shown(hints: Sequence[Hint]) -> list[dict[str, Any]]:
    """Hints as they leave the house, in the shape of prompts."""
    return [
        {
            "code": each.code,
            "text": each.text,
            "blocks": False,
            "asks": False,
            "outcomes": [],
            "cases": [earlier.shown() for earlier in each.cases],
        }
        for each in hints
    ]

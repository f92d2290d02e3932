"""What a person filled in, held against the form: clean values come back, or one message per field."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import orjson

from app.bundles import keys
from app.bundles.forms import AnswersRefused, Form
from app.cases.errors import OpinionRequired, OutcomeUnknown
from app.cases.motion import Motion, Row, expression_data
from app.cases.secrets.showing import current, uncovered
from app.core.errors import FieldError
from app.core.http.strict_json import pointer
from app.crypto.sm3 import sm3


class Outcome(Protocol):
    """One way to finish a step."""

    @property
    def name(self) -> str: ...

    @property
    def demands_opinion(self) -> bool: ...


def check_answers(
    motion: Motion, form: str | None, answers: Mapping[str, Any], outcome: str | None = None
) -> dict[str, Any]:
    """The form's clean answers, given with an outcome. Without a form nothing may be answered.

    Raises AnswersRefused.
    """
    if form is None:
        if answers:
            errors = [
                FieldError(f"/answers/{name}", "field-not-applicable", "这个环节不填写任何内容。")
                for name in answers
            ]
            raise AnswersRefused(errors=errors)
        return {}
    given = uncovered(motion.session, motion.case["id"], motion.bundle, answers)
    asked = motion.bundle.forms[form]
    data = _as_shown(motion, asked, given)
    return asked.check(given, data, motion.lookups, outcome)


def _as_shown(motion: Motion, form: Form, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The case's data, with what is sealed of it where the form only shows a value and it came back whole."""
    data = expression_data(motion.bundle, motion.case)
    names = [
        each.name for each in form.fields if each.readonly and given.get(each.name) != data.get(each.name)
    ]
    if not any(name in given for name in names):
        return data
    held = current(motion.session, motion.case["id"])
    return {**data, **{name: held[name] for name in names if name in held and held[name] == given.get(name)}}


def check_outcome(outcomes: Iterable[Outcome], chosen: str, opinion: str | None) -> None:
    """Raises OutcomeUnknown, and OpinionRequired where this one demands an opinion."""
    known = {outcome.name: outcome for outcome in outcomes}
    if chosen not in known:
        names = "、".join(known)
        raise OutcomeUnknown(
            f"办理结论只能是：{names}。",
            errors=[FieldError("/outcome", "outcome-unknown", f"请选择：{names}。")],
        )
    if known[chosen].demands_opinion and opinion is None:
        message = f"选择“{chosen}”时必须填写意见。"
        raise OpinionRequired(message, errors=[FieldError("/opinion", "opinion-required", message)])


def check_names(motion: Motion, task: Row, answers: Mapping[str, Any]) -> None:
    """Answers that need not be whole: each must be asked by the form of the step. Raises AnswersRefused."""
    form = motion.bundle.forms.get(motion.bundle.step(task["step"]).form or "")
    known = [each.name for each in form.fields] if form is not None else []
    errors = [
        FieldError(
            "/answers" + pointer(name[:120]),
            "unknown-field",
            f"这张表没有“{name[:60]}”；可以填{keys.nearest(name, known)}。",
        )
        for name in answers
        if name not in known
    ]
    if errors:
        raise AnswersRefused(errors=errors)


def seal_of(salt: bytes, answers: Mapping[str, Any]) -> str:
    """What the audit chain keeps of the answers: SM3 over salt and sorted JSON, in hex."""
    return sm3(salt, orjson.dumps(dict(answers), option=orjson.OPT_SORT_KEYS)).hex()

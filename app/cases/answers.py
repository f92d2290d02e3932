"""What a person filled in, held against the form: clean values come back, or one message per field."""

from collections.abc import Mapping
from typing import Any

from app.bundles.forms import AnswersRefused, Form
from app.cases.motion import Motion, expression_data
from app.cases.secrets.showing import current, uncovered
from app.core.errors import FieldError


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

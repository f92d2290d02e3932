"""What a person filled in, held against the form: clean values come back, or one message per field."""

from collections.abc import Mapping
from typing import Any

from app.bundles.forms import AnswersRefused
from app.cases.motion import Motion, expression_data
from app.cases.secrets.showing import uncovered
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
    data = expression_data(motion.bundle, motion.case)
    return motion.bundle.forms[form].check(given, data, motion.lookups, outcome)

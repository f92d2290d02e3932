"""What the advisers of a form say now, and what is kept of it once a person has chosen."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import insert

from app.bundles.data_fields import chosen_name
from app.bundles.forms import Form, FormField
from app.cases.motion import Motion, RowLookups, expression_data
from app.cases.suggestions import models
from app.cases.suggestions.advisers import ADVISERS, Asked, Suggestion
from app.core import clock
from app.core.db import Session, reading
from app.core.ids import new_id
from app.identity.actor import Actor
from app.identity.permissions import CASE_READ
from app.identity.scopes import require

Row = dict[str, Any]

_INSERT = insert(models.suggestions)


def offered(session: Session, form: Form | None, data: Mapping[str, Any]) -> list[Row]:
    """What is suggested for the fields of a form; nothing is changed by it."""
    asking = [each for each in form.fields if each.suggest] if form is not None else []
    if not asking:
        return []
    return [
        {
            "field": field.name,
            "adviser": field.suggest,
            "value": said.value,
            "label": said.label,
            "why": list(said.why),
        }
        for field, said in _said(RowLookups(session, clock.now(session), {}), asking, data)
    ]


def judged(motion: Motion, task: Row, form: str | None, answers: Mapping[str, Any]) -> list[Row]:
    """Keeps what was suggested for each field that a person now answers, and whether it was taken.

    The advisers are asked about the case as it was before the answers. Returns what the step's event tells.
    """
    fields = motion.bundle.forms[form].fields if form is not None else ()
    asking = [each for each in fields if each.suggest and each.name in answers]
    if not asking:
        return []
    data, told, rows = expression_data(motion.bundle, motion.case), [], []
    for field, said in _said(motion.lookups, asking, data):
        chosen = answers[field.name]
        judged = {"field": field.name, "value": said.value, "chosen": chosen, "taken": chosen == said.value}
        rows.append(
            {
                "id": new_id(),
                "case_id": motion.case["id"],
                "task_id": task["id"],
                "process_key": motion.bundle.key,
                "step": task["step"],
                "adviser": field.suggest,
                "by_id": motion.actor.id,
                "at": motion.now,
                **judged,
            }
        )
        names = {"title": field.label, "label": said.label, "chosenLabel": _called(field, answers)}
        told.append({**judged, **names})
    if rows:
        motion.session.write(_INSERT, rows)
    return told


def counts(actor: Actor, process: str | None) -> list[Row]:
    """How often suggestions were taken, by process, step and field, in the cases that the actor sees."""
    require(actor, CASE_READ)
    with reading() as session:
        return [
            {
                "process": row.process_key,
                "step": row.step,
                "field": row.field,
                "adviser": row.adviser,
                "taken": int(row.taken),
                "changed": int(row.changed),
            }
            for row in session.execute(models.counted(actor, process))
        ]


def _said(
    lookups: RowLookups, asking: list[FormField], data: Mapping[str, Any]
) -> Iterator[tuple[FormField, Suggestion]]:
    for field in asking:
        adviser = ADVISERS.get(field.suggest)  # an old version may name one that is no more
        said = adviser.advise(Asked(lookups, field, data)) if adviser is not None else None
        if said is not None:
            yield field, said


def _called(field: FormField, answers: Mapping[str, Any]) -> str | None:
    name = chosen_name(field.data).name if field.data.type == "category" else field.name
    called = answers.get(name)
    return None if called is None else str(called)

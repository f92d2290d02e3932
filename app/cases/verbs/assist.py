"""协办、吹哨: other units get a child case each; the first unit stays the owner and writes the one reply."""

from dataclasses import replace

from sqlalchemy import bindparam, select

from app import bundles
from app.bundles import Bundle, store
from app.cases.answers import check_answers
from app.cases.birth import born
from app.cases.commands import Assist
from app.cases.errors import AssistUnavailable, RequestPending, UnitNotSelectable
from app.cases.models import cases
from app.cases.motion import Motion
from app.cases.verbs import guard
from app.core.errors import FieldError
from app.identity import org

PROCESS = "side_assist"

_AT_IT = select(cases.c.owner_unit).where(
    cases.c.parent_id == bindparam("parent"),
    cases.c.process_key == PROCESS,
    cases.c.state == "active",
)


def assist(motion: Motion, command: Assist) -> list[Motion]:
    """The children that were born; the caller lets them settle.

    Raises VerbForbidden, UnitNotSelectable, RequestPending (a unit is at it already), AssistUnavailable.
    """
    task = guard.task_of(motion, command.task_id)
    guard.authority(motion, task)
    guard.still_open(motion, task)
    guard.allowed(motion, task, "assist")
    command = replace(command, demand=guard.written(command.demand, "要协办什么", "/demand"))
    version = store.latest(motion.session, PROCESS)
    if version is None:
        raise AssistUnavailable
    bundle = bundles.get(version)
    place = motion.case["place_unit"]
    units = org.units_by_code(motion.session, [*command.units, place])
    busy = set(motion.session.execute(_AT_IT, {"parent": motion.case["id"]}).scalars())
    children = []
    for code in dict.fromkeys(command.units):
        unit = units.get(code)
        if unit is None or not unit.valid_at(motion.now) or code == motion.case["owner_unit"]:
            message = f"不能请“{code}”协办：没有这个单位、已撤销，或就是主办单位。"
            raise UnitNotSelectable(message, errors=[FieldError("/units", "unit-not-selectable", message)])
        if code in busy:
            raise RequestPending(f"{unit.name} 已在协办这件事。")
        children.append(_child(motion, bundle, unit, units.get(place, unit), command))
        motion.tell(
            "request.opened",
            kind="whistle" if command.whistle else "assist",
            child=children[-1].case["id"],
            number=children[-1].case["number"],
            unit=code,
            called=unit.name,
        )
    return children


def _child(motion: Motion, bundle: Bundle, unit: org.Unit, place: org.Unit, command: Assist) -> Motion:
    parent = motion.case
    parent["children_born"] += 1
    parent["children_open"] += 1
    child = born(
        motion.session,
        motion.actor,
        bundle,
        motion.now,
        place,
        number=f"{parent['number']}-X{parent['children_born']}",
        title=parent["title"],
        source=parent["source"],
        parent_id=parent["id"],
        root_id=parent["root_id"],
        priority=parent["priority"],
        owner_unit=unit.code,
    )
    asked = {
        "assist_unit": unit.code,
        "assist_demand": command.demand,
        "assist_for": parent["number"],
        "assist_whistle": command.whistle,
    }
    child.asked["units"] = {unit.code: unit}
    child.write(check_answers(child, bundle.engine.start_form, asked))
    child.tell("case.received", since=motion.now.isoformat(), number=child.case["number"])
    child.acts.append("Start")
    return child

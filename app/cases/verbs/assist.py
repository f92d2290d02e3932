"""协办、吹哨: other units get a child case each; the first unit stays the owner and writes the one reply."""

from dataclasses import replace

from sqlalchemy import bindparam, select

from app import bundles
from app.bundles import Bundle, store
from app.cases.commands import Assist
from app.cases.errors import AssistUnavailable, RequestPending, UnitNotSelectable
from app.cases.models import cases
from app.cases.motion import Motion
from app.cases.verbs import children, guard
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
    begun = []
    for code in dict.fromkeys(command.units):
        unit = units.get(code)
        if unit is None or not unit.valid_at(motion.now) or code == motion.case["owner_unit"]:
            message = f"不能请“{code}”协办：没有这个单位、已撤销，或就是主办单位。"
            raise UnitNotSelectable(message, errors=[FieldError("/units", "unit-not-selectable", message)])
        if code in busy:
            raise RequestPending(f"{unit.name} 已在协办这件事。")
        begun.append(_child(motion, bundle, unit, units.get(place, unit), command))
        motion.tell(
            "request.opened",
            kind="whistle" if command.whistle else "assist",
            child=begun[-1].case["id"],
            number=begun[-1].case["number"],
            unit=code,
            called=unit.name,
        )
    return begun


def _child(motion: Motion, bundle: Bundle, unit: org.Unit, place: org.Unit, command: Assist) -> Motion:
    asked = {
        "assist_unit": unit.code,
        "assist_demand": command.demand,
        "assist_for": motion.case["number"],
        "assist_whistle": command.whistle,
    }
    return children.begin(motion, bundle, place, unit.code, asked, (unit,))

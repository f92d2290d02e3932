"""首接负责: the unit that signs an order first owns it, until the order is to be dispatched anew."""

from app.cases.motion import Motion, Row


def signed(motion: Motion, task: Row) -> None:
    """Somebody took a task: where it was for a chosen unit, that unit becomes the owner, if there is none."""
    if motion.case["owner_unit"] is not None or task["item"] is not None:
        return
    rules = motion.bundle.rules_at(task["step"])
    chosen = [motion.case["data"].get(rule.argument) for rule in rules if rule.kind == "unit"]
    mine = {appointment.unit_code for appointment in motion.actor.appointments}
    unit = next((code for code in chosen if code in mine), None)
    if unit is not None:
        motion.case["owner_unit"] = unit
        motion.tell("unit.assigned", unit=unit, called=name_of(motion, unit))


def release(motion: Motion) -> None:
    """The owner is let go: its return was granted, or the order goes into another round."""
    unit = motion.case["owner_unit"]
    if unit is not None:
        motion.case["owner_unit"] = None
        motion.tell("unit.released", unit=unit, called=name_of(motion, unit))


def come_to(motion: Motion, step: str) -> None:
    """The case has come to a step. Where process.yaml says so (`releases`) no unit has it in hand any more:
    by a return, a withdrawal, a granted 退单, a timer or another round, the way does not matter."""
    names = motion.bundle.process.releases.get(step)
    if names is None:
        return
    release(motion)
    if filled := [name for name in names if motion.case["data"].get(name) is not None]:
        motion.write(dict.fromkeys(filled))


def name_of(motion: Motion, code: str) -> str:
    found = motion.lookups.units((code,)).get(code)
    return found.name if found else code

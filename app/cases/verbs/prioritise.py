"""调整优先级: a case moves up or down in every list, for a reason that everybody can read."""

from app.cases.commands.beside import Prioritise
from app.cases.motion import Motion
from app.cases.sync import set_dues
from app.cases.verbs import guard
from app.identity.permissions import CASE_PRIORITISE


def prioritise(motion: Motion, command: Prioritise) -> bool:
    """False when the case has this priority already."""
    case = motion.case
    guard.right(motion, CASE_PRIORITISE)
    guard.case_active(motion)
    if command.priority == case["priority"]:
        return False
    guard.fresh(case, command.seen)
    reason = guard.written(command.reason, "调整优先级的原因")
    motion.tell("case.prioritised", was=case["priority"], priority=command.priority, reason=reason)
    case["priority"] = command.priority
    motion.ask_limits()
    set_dues(motion)
    return True

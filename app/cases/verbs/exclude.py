"""剔除 and 恢复计入: whether a case is counted in the assessment; it is kept either way, with its status."""

from app.cases.commands.asking import Exclude, Include
from app.cases.errors import NotExcluded
from app.cases.motion import Motion
from app.cases.verbs import guard
from app.identity.permissions import CASE_EXCLUDE


def exclude(motion: Motion, command: Exclude) -> bool:
    """Also of a case that has ended meanwhile; False when it is excluded already."""
    if motion.case["excluded"]:
        return False
    motion.case["excluded"] = True
    motion.tell("case.excluded", reason=guard.noted(command.reason, "剔除的原因"))
    return True


def include(motion: Motion, command: Include) -> None:
    """By who holds case:exclude there. Raises NotExcluded, Stale, ReasonRequired."""
    guard.right(motion, CASE_EXCLUDE)
    if not motion.case["excluded"]:
        raise NotExcluded
    guard.fresh(motion.case, command.seen)
    reason = guard.written(command.reason, "恢复计入的原因")
    motion.case["excluded"] = False
    motion.tell("case.included", reason=reason)

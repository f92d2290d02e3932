"""重新打开: who filed a case, or may decide it, takes up an ended one again, for a while."""

from app.cases import rejections
from app.cases.commands.resting import Reopen
from app.cases.env import awake
from app.cases.errors import CannotReopen
from app.cases.motion import Motion
from app.cases.verbs import guard
from app.clocks import ledger
from app.engine.errors import ReturnImpossible
from app.engine.run import Run
from app.identity.permissions import CASE_REOPEN


def reopen(motion: Motion, command: Reopen) -> Run:
    """The engine that is returned stands at the step again and is not yet at rest.

    Raises PermissionMissing, CannotReopen with why, CaseMerged, ReasonRequired.
    """
    case = motion.case
    if not guard.filed(motion):
        guard.right(motion, CASE_REOPEN)
    if case["state"] == "merged":
        guard.case_active(motion)
    if (why := why_not(motion)) is not None:
        raise CannotReopen(why)
    return open_again(motion, guard.written(command.reason, "重新打开的原因"))


def why_not(motion: Motion) -> str | None:
    """Why an ended case cannot be taken up again; None when it can."""
    case, rule = motion.case, motion.bundle.process.reopen
    if case["state"] != "closed":
        return "只有办结的办件可以重新打开。"
    if rule is None:
        return "流程没有规定办结以后可以重新打开。"
    if case["parent_id"] is not None or case["merged_into"] is not None:
        return "随别的办件办结的，不能单独重新打开。"
    if case["reopened"] >= rule.max:
        return f"已经重新打开过 {rule.max} 次。"
    if ledger.add(case["closed_at"], rule.within, motion.board.calendar) < motion.now:
        return "已经过了可以重新打开的期限。"
    return None


def open_again(motion: Motion, reason: str) -> Run:
    """Its engine at the step that process.yaml names, not yet at rest. Raises CannotReopen."""
    case, rule = motion.case, motion.bundle.process.reopen
    assert rule is not None
    run = awake(motion)
    case.update(state="active", closed_at=None, end_element=None, close_reason=None)
    case["reopened"] += 1
    rejections.count_up(motion)
    motion.tell("case.reopened", reason=reason, to=rule.to)
    try:
        run.return_to(rule.to)
    except ReturnImpossible as error:
        raise CannotReopen(error.message) from error
    return run

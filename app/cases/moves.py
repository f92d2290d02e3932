"""What moves a task or a case elsewhere, as sentences: 转办, 退单, 协办, 撤回, 退回, 合并, 优先级."""

from collections.abc import Sequence
from typing import Any

from app.bundles.verbs import REJECTED
from app.cases.advance import Moved, advance
from app.cases.commands import Assist, Return, Transfer, Withdraw
from app.cases.commands.beside import Mark, Prioritise
from app.cases.commands.merging import MergeAway, MergeUndone, TakeIn
from app.cases.env import awake
from app.cases.rejections import REASON, SUGGESTED
from app.cases.tasks import complete
from app.cases.tree import Tree
from app.cases.verbs import return_
from app.core.db import transaction
from app.core.once import Once, Stored
from app.identity.actor import Actor


def transfer(
    actor: Actor, task_id: str, to: str, reason: str, seen: int | None, request: Once | None = None
) -> Moved | Stored:
    """转办 to a person of the same pool, by login. Raises TransferredEnough, PersonNotSelectable …"""
    return advance(Transfer(task_id, to, reason, seen), actor, request)


def reject_order(
    actor: Actor,
    task_id: str,
    reason: str,
    suggest: str | None,
    opinion: str,
    seen: int | None,
    request: Once | None = None,
) -> Moved | Stored:
    """退单: completes the step with its outcome 退单. Raises VerbForbidden, ReturnNotRepeatable …"""
    answers = {REASON: reason, SUGGESTED: suggest}
    given = {name: value for name, value in answers.items() if value is not None}
    return complete(actor, task_id, REJECTED, given, opinion, seen, request)


def assist(
    actor: Actor,
    task_id: str,
    units: Sequence[str],
    demand: str,
    whistle: bool = False,
    request: Once | None = None,
) -> Moved | Stored:
    """协办、吹哨: a child case for each unit. Raises UnitNotSelectable, RequestPending, AssistUnavailable."""
    return advance(Assist(task_id, tuple(units), demand, whistle), actor, request)


def withdraw(actor: Actor, task_id: str, reason: str, request: Once | None = None) -> Moved | Stored:
    """撤回 what one did oneself. Raises CannotWithdraw with what happened since."""
    return advance(Withdraw(task_id, reason), actor, request)


def give_back(
    actor: Actor,
    task_id: str,
    step: str,
    reason: str,
    seen: int | None,
    scope: str = "auto",
    over_send: str | None = None,
    request: Once | None = None,
) -> Moved | Stored:
    """退回 to an earlier step. Raises ReturnNotPossible, ReturnOverSend, VerbForbidden, Stale …"""
    return advance(Return(task_id, step, reason, seen, scope, over_send), actor, request)


def give_back_plan(actor: Actor, task_id: str, step: str, scope: str = "auto") -> dict[str, Any]:
    """What a return would do; nothing is written. Raises as give_back does."""
    with transaction() as session:
        motion = Tree.locked(session, actor, [Return(task_id, step, "", None, scope)]).motion(task_id)
        task = return_.checked(motion, task_id)
        return return_.shown(motion, return_.planned(motion, awake(motion), task, step, scope))


def return_targets(actor: Actor, task_id: str) -> list[dict[str, Any]]:
    """The steps a task may go back to, each with the choices there are and why."""
    with transaction() as session:
        motion = Tree.locked(session, actor, [Return(task_id, "", "", None)]).motion(task_id)
        task = return_.checked(motion, task_id)
        return [
            {
                "step": target.step,
                "name": target.name,
                "rounds": target.rounds,
                "choices": list(target.choices),
                "reasons": list(target.reasons),
            }
            for target in awake(motion).return_targets(task["ref"])
        ]


def merge(
    actor: Actor, case_id: str, into: str, reason: str, seen: int | None, request: Once | None = None
) -> Moved | Stored:
    """合并 into another case. Raises CannotMerge, CaseMerged, CaseClosed, Stale …"""
    return advance([MergeAway(case_id, into, reason, seen), TakeIn(into, case_id)], actor, request)


def unmerge(actor: Actor, case_id: str, reason: str, request: Once | None = None) -> Moved | Stored:
    """撤销合并, until the other case closes. Raises NotMerged."""
    return advance(MergeUndone(case_id, reason), actor, request)


def prioritise(
    actor: Actor, case_id: str, priority: int, reason: str, seen: int | None, request: Once | None = None
) -> Moved | Stored:
    """调整优先级: the case moves in every list. Raises CaseClosed, Stale, IfMatchMissing, ReasonRequired."""
    return advance(Prioritise(case_id, priority, reason, seen), actor, request)


def mark(actor: Actor, case_id: str, name: str, on: bool, request: Once | None = None) -> Moved | Stored:
    """标记, put on or taken off. Raises MarkUnknown, CaseClosed, PermissionMissing …"""
    return advance(Mark(case_id, name, on), actor, request)

"""合并: one case joins another, rests with all it holds, and ends with it; undone until then."""

from app.cases import family
from app.cases.commands.merging import LetGo, MergeAway, MergeUndone, TakeIn
from app.cases.errors import CannotMerge, NotMerged
from app.cases.external import follow as external
from app.cases.motion import Motion
from app.cases.sync import lay_out, take_away
from app.cases.verbs import guard
from app.cases.verbs.rest import wait_again
from app.identity.permissions import CASE_MERGE


def merge_away(motion: Motion, command: MergeAway) -> bool:
    """The case that joins: tasks and timers rest, its clocks run on, its bytes stay as they are.

    From now on it lies in the other's tree: who moves it locks that root. Raises CannotMerge, CaseClosed.
    """
    case = motion.case
    guard.right(motion, CASE_MERGE)
    if case["state"] == "merged" and case["merged_into"] == command.into:
        return False
    guard.case_active(motion)
    guard.fresh(case, command.seen)
    reason = guard.written(command.reason, "合并的原因")
    if case["id"] == command.into or case["parent_id"] is not None:
        raise CannotMerge("为另一件开始的办件（协办、申请）不能合并，也不能并入自己。")
    if case["children_open"]:
        raise CannotMerge("还有没有结束的协办、申请、督办，或者有办件并入了本件，等它们结束以后才能合并。")
    for task in motion.open_tasks():
        motion.change_task(task, state="suspended", revision=task["revision"] + 1)
        take_away(motion, task)
    motion.board.alarms.hold()
    external.rest(motion)
    case.update(state="merged", merged_into=command.into, root_id=command.into)
    motion.moves_root = True
    motion.tell("case.merged", into=command.into, reason=reason)
    return True


def take_in(motion: Motion, command: TakeIn) -> bool:
    """The case that goes on counts the other among those that end with it."""
    guard.right(motion, CASE_MERGE)
    guard.case_active(motion)
    if motion.case["parent_id"] is not None:
        raise CannotMerge("不能并入一件协办件。")
    motion.case["children_open"] += 1
    motion.tell("case.took_in", merged=command.merged)
    return True


def undo(motion: Motion, command: MergeUndone) -> bool:
    """The case goes its own way again. Raises NotMerged."""
    case = motion.case
    guard.right(motion, CASE_MERGE)
    if case["state"] != "merged":
        raise NotMerged
    reason = guard.written(command.reason, "撤销合并的原因")
    for task in family.live(motion):
        state = "claimed" if task["assignee_id"] else "open"
        motion.change_task(task, state=state, revision=task["revision"] + 1)
        lay_out(motion, task)
    motion.board.alarms.go_on()
    external.go_on(motion)
    motion.ask(LetGo(case["merged_into"], case["id"]))
    case.update(state="active", merged_into=None, root_id=case["id"])
    motion.moves_root = True
    motion.tell("case.unmerged", reason=reason)
    wait_again(motion)
    return True

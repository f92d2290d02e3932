"""What comes for a case that was merged into another one: both hear of it.

Nobody is moved, unless it says that the caller is not content (`redo` of messages.yaml) and the other case
has ended: then that one is done again, once, and the merged one awaits its new answer.
"""

from typing import Any

from app.cases.commands.merging import Hear, HearOf, TakenUpAgain
from app.cases.incidents import opening
from app.cases.models import GOING
from app.cases.motion import Motion, expression_data
from app.cases.rejections import another_round, tell_redone
from app.cases.verbs import reopen
from app.cases.verbs.note import put_down
from app.engine.run import Run


class HeardTooLate(Exception):
    """消息是给一件已经并入别件的办件的，那一件已经结束。内容已记在两件上；要不要另办，请核对后处理。"""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.element = message[:60]


def hear(motion: Motion, command: Hear) -> None:
    """The case that joined keeps what came as its data; the one it joined gets a note of it."""
    if command.passed:
        motion.tell("message.passed", message=command.message, to=command.to)
        return
    motion.write(command.values)
    motion.tell("message.received", message=command.message, ref=None, receipt=command.receipt)
    condition = motion.bundle.messages[command.message].redo
    redo = condition is not None and bool(
        condition.evaluate(expression_data(motion.bundle, motion.case), motion.board.functions)
    )
    said = _said(motion, command)
    motion.ask(HearOf(command.to, motion.case["id"], command.message, said, motion.case["number"], redo))


def hear_of(motion: Motion, command: HearOf) -> Run | None:
    """The note; and the engine of the case that is done again, not yet at rest, where it is.

    Where it is over and stays so an incident says that nobody will see the note.
    """
    case = motion.case
    put_down(motion, command.text, "note")
    if case["state"] in GOING:
        return None
    if command.redo and reopen.why_not(motion) is None:
        return _done_again(motion, command)
    where = opening.Where(case["process_key"], case["org_path"], case["id"])
    late = HeardTooLate(command.message)
    opening.open_incident(motion.session, "message-late", where, late, motion.actor)
    return None


def taken_up_again(motion: Motion, command: TakenUpAgain) -> bool:
    """The merged case's part: it rests again in the other one, and its clocks go on as that one's do."""
    case = motion.case
    case.update(state="merged", closed_at=None, end_element=None, close_reason=None)
    motion.tell("case.taken_up_again", into=command.into)
    another_round(motion)
    return True


def _done_again(motion: Motion, command: HearOf) -> Run:
    run = reopen.open_again(motion, f"并入本件的 {command.number} 回访不满意")
    tell_redone(motion)
    motion.case["children_open"] += 1
    motion.ask(TakenUpAgain(command.merged, motion.case["id"]))
    return run


def _said(motion: Motion, command: Hear) -> str:
    case = motion.case
    which = case["number"] + (f"，来源编号 {case['external_no']}" if case["external_no"] else "")
    declared = motion.bundle.process.data
    open_ = {name: value for name, value in command.values.items() if not declared[name].secret}
    said = "；".join(f"{declared[name].label}：{_word(value)}" for name, value in open_.items())
    called = motion.bundle.messages[command.message].label
    return f"并入本件的办件（{which}）收到消息“{called}”{'：' if said else ''}{said}。"


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    return "、".join(map(str, value)) if isinstance(value, list) else str(value)

"""标记: what a process lets staff mark at any time, for example a key issue; lists are filtered by it."""

from app.cases.commands.beside import Mark
from app.cases.errors import MarkUnknown
from app.cases.motion import Motion
from app.cases.verbs import guard
from app.core.errors import FieldError
from app.identity.permissions import CASE_MARK


def mark(motion: Motion, command: Mark) -> bool:
    """False when the case is marked so already. Raises MarkUnknown for what process.yaml does not name."""
    guard.right(motion, CASE_MARK)
    guard.case_active(motion)
    name, process = command.name, motion.bundle.process
    if name not in process.marks:
        known = "、".join(f"{each}（{process.data[each].label}）" for each in process.marks) or "一个也没有"
        message = f"“{process.name}”的标记里没有“{name}”；有：{known}。"
        raise MarkUnknown(message, errors=[FieldError("/name", "mark-unknown", message)])
    if bool(motion.case["data"].get(name)) == command.on:
        return False
    motion.write({name: command.on})
    motion.tell("case.marked", called=process.data[name].label, on=command.on)
    return True

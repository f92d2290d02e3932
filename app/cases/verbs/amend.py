"""更正: staff change declared data beside the diagram, where another room has found that they may."""

from app.cases.commands.beside import Amend
from app.cases.motion import Motion
from app.cases.verbs import guard


def amend(motion: Motion, command: Amend) -> bool:
    """False when the case holds these values already. The timeline tells what was, what is and why."""
    guard.right(motion, command.permission)
    guard.case_active(motion)
    data = motion.case["data"]
    changed = {name: value for name, value in command.values.items() if data.get(name) != value}
    if not changed:
        return False
    reason = guard.written(command.reason, "更正的原因")
    declared = motion.bundle.process.data
    told = [[declared[name].label, data.get(name), value] for name, value in changed.items()]
    motion.write(changed)
    motion.tell("case.amended", changed=told, reason=reason)
    motion.ask_limits()
    return True

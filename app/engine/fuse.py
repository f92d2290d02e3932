"""What stops a case that would run for ever: steps, time, depth and rows of one settle."""

from time import thread_time

from app.engine import shape
from app.engine.errors import FuseBlown
from app.engine.shape import Row

MOST_STEPS = 500
MOST_CPU_SECONDS = 2.0
MOST_LEVELS = 900


class Fuse:
    """Of one settle; `burn` is asked before each step."""

    def __init__(self) -> None:
        self.steps = 0
        self.until = thread_time() + MOST_CPU_SECONDS

    def burn(self, row: Row) -> None:
        """Raises FuseBlown, naming the element that was about to run."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise FuseBlown("steps", row.task_spec.name)
        if thread_time() > self.until:
            raise FuseBlown("cpu", row.task_spec.name)
        if row.level > MOST_LEVELS:
            raise FuseBlown("depth", row.task_spec.name)
        if len(row.workflow.tasks) > shape.MAX_ROWS:
            raise FuseBlown("rows", row.task_spec.name)

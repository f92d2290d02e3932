"""Call activities: another published process, pinned by its version, runs as a part of this case."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from SpiffWorkflow.specs.base import TaskSpec

from app.engine.errors import FuseBlown, NoSuchStart
from app.engine.shape import Net, Row, path
from app.engine.subprocess import SubProcess

if TYPE_CHECKING:
    from app.engine.nodes import Process
    from app.engine.version import Version

MOST_CALLS = 5


class Call(SubProcess):
    """Like a sub-process, but what runs inside is drawn elsewhere.

    `key` is the called bundle, `pinned` its version, `find` gives that version once it is needed. Steps
    inside count their rounds and outcomes apart for each call activity; case data are the case's.
    """

    home_inside = ""

    def __init__(
        self,
        process: "Process",
        element: str,
        name: str | None,
        key: str,
        pinned: str,
        find: "Callable[[str], Version]",
    ) -> None:
        super().__init__(process, element, name)
        self.home_inside = ""
        self.element = element  # as drawn
        self.key, self.pinned, self.find = key, pinned, find

    def path_inside(self, my_task: Row) -> str:
        """The calls round it, and itself."""
        return f"{my_task.within}{self.element}/"

    def specs_inside(self, my_task: Row) -> Mapping[str, TaskSpec]:
        """The elements of the called process. Raises as `find` does."""
        specs: Mapping[str, TaskSpec] = self._callee(my_task).spec.task_specs
        return specs

    def first_inside(self, my_task: Row) -> str:
        """The called process's plain start. Raises NoSuchStart, FuseBlown(calls)."""
        if len(path(my_task)) >= MOST_CALLS:
            raise FuseBlown("calls", self.element)
        callee = self._callee(my_task)
        plain = next((each for each in callee.starts if each not in callee.start_messages), None)
        if plain is None:
            raise NoSuchStart(f"（被调用的流程 {self.key} 没有普通的启动事件）", element=self.element)
        return plain

    def _callee(self, my_task: Row) -> "Version":
        net: Net = my_task.workflow
        version: Version | None = net.callees.get(self.pinned)
        if version is None:  # one and the same for the whole run, whatever the catalog forgets meanwhile
            version = net.callees[self.pinned] = self.find(self.pinned)
        return version

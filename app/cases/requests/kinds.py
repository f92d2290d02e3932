"""The kinds of side requests: which process decides each, and who may ask."""

from dataclasses import dataclass
from typing import Literal

from app.core.errors import Unprocessable

By = Literal["handler", "superior", "reporter", "presser"]


@dataclass(frozen=True)
class Kind:
    """One kind. `verb` is its name in process.yaml, `process` the bundle that decides it, `called` what
    people say. `by`: whoever holds the task, somebody above who holds case:supervise, who filed the case
    (and whoever holds case:create there, for a reporter who calls again), or who may urge it.
    """

    key: str
    verb: str
    process: str
    called: str
    by: By = "handler"
    in_time: bool = False
    """Whether it may only be asked before the step is late."""
    several: bool = False
    """Whether more than one may wait at a time."""
    waits: str = "待审核"
    """What one that is not over is called."""

    @property
    def follows(self) -> bool:
        """Whether it is demanded of whoever handles the case, and goes with it to another unit."""
        return self.by != "handler"

    def state_called(self, state: str) -> str:
        """What people call the state of a request of this kind."""
        return self.waits if state == "pending" else STATES[state]


_ALL = (
    Kind("extension", "requestExtension", "side_extension", "延期", in_time=True),
    Kind("hold", "requestHold", "side_hold", "挂账", in_time=True),
    Kind("exclusion", "requestExclusion", "side_exclusion", "剔除", in_time=True),
    Kind("supervise", "supervise", "side_supervise", "督办", by="superior", waits="待反馈"),
    Kind("urge", "requestAnswer", "side_urge", "书面催办", by="presser", waits="待回应"),
    Kind("supplement", "supplement", "side_supplement", "补充", by="reporter", several=True, waits="待知悉"),
    Kind("revocation", "requestRevocation", "side_revocation", "撤单", by="reporter"),
)
KINDS = {each.key: each for each in _ALL}
OF_PROCESS = {each.process: each for each in KINDS.values()}
STATES = {"pending": "待审核", "granted": "通过", "refused": "不通过", "ended": "已结束"}
"""What became of a request; ended: by itself, with its case, or because what was asked for is done."""


class KindUnknown(Unprocessable):
    """没有这种申请。"""

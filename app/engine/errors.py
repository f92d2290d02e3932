"""What the engine raises: one short tree; a class's docstring is what a person reads, in Chinese."""


class EngineError(Exception):
    """流程引擎无法完成这一步，办件保持原样。"""

    rule = "engine-error"

    def __init__(
        self, detail: str = "", *, element: str | None = None, ref: str | None = None, rule: str | None = None
    ) -> None:
        """`detail` is a Chinese addition to the docstring; `element` the diagram's id, `ref` the token's."""
        self.detail = detail
        self.element = element
        self.ref = ref
        if rule is not None:
            self.rule = rule
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The whole Chinese sentence, with what was special this time."""
        text = (type(self).__doc__ or "").strip()
        return f"{text}{self.detail}" if self.detail else text


class VersionUnreadable(EngineError):
    """流程图无法装载。"""

    rule = "version-unreadable"


class VersionUnknown(EngineError):
    """没有找到这个流程版本。"""

    rule = "version-unknown"


class NoSuchStart(EngineError):
    """流程图没有这个启动事件。"""

    rule = "no-such-start"


class StateUnreadable(EngineError):
    """办件的流程状态无法读取，未作任何改动。"""

    rule = "state-unreadable"


class WrongVersion(StateUnreadable):
    """办件的流程状态属于另一个流程版本。"""

    rule = "state-wrong-version"


class StateUnwritable(EngineError):
    """流程状态含有不能保存的内容，未作任何改动。"""

    rule = "state-unwritable"


class NotOpen(EngineError):
    """该环节已不在待办中。"""

    rule = "task-not-open"


class NoSuchOutcome(EngineError):
    """该环节没有这个办理结果。"""

    rule = "no-such-outcome"


class TooMany(EngineError):
    """这一环节的办理人数已到上限。"""

    rule = "too-many-instances"


class TimerDidNotMove(EngineError):
    """要触发的定时器并未在等待。"""

    rule = "timer-did-not-move"


class NotWaiting(EngineError):
    """办件没有在等这件事。"""

    rule = "not-waiting"


class HandlerFailed(EngineError):
    """流程要做的事没有做成，办件保持原样。"""

    rule = "handler-failed"


class ReturnImpossible(EngineError):
    """不能这样退回。"""

    rule = "return-impossible"

    def __init__(
        self, reasons: tuple[str, ...], *, element: str | None = None, ref: str | None = None
    ) -> None:
        """`reasons` are whole Chinese sentences."""
        self.reasons = reasons
        super().__init__("".join(reasons), element=element, ref=ref)


class MigrationRefused(EngineError):
    """办件不能迁移到新版本。"""

    rule = "migration-refused"

    def __init__(self, reasons: tuple[str, ...], needs_mapping: bool = False) -> None:
        """`reasons` are whole Chinese sentences; `needs_mapping`: a mapping would be enough."""
        self.reasons = reasons
        self.needs_mapping = needs_mapping
        super().__init__("".join(reasons))


class WalkUnreadable(EngineError):
    """试运行的脚本写法不对。"""

    rule = "walk-unreadable"


class SimulationRefused(EngineError):
    """试运行无法继续。"""

    rule = "simulation-refused"


class ExpressionFailed(EngineError):
    """流程图中的表达式计算出错。"""

    rule = "expression-failed"


class TimerRefused(ExpressionFailed):
    """流程图中的定时时间无法使用。"""

    rule = "timer-refused"


class ListRefused(ExpressionFailed):
    """多人办理的名单无法使用。"""

    rule = "list-refused"


class ErrorUncaught(EngineError):
    """流程抛出了错误，外层没有边界错误事件接住它，办件保持原样。"""

    rule = "error-uncaught"


class NoMatch(EngineError):
    """网关的各条出口条件都不成立，也没有默认出口。"""

    rule = "no-match"


class FuseBlown(EngineError):
    """流程自动运行超出限度，已停下，办件保持原样。"""

    rule = "fuse-blown"

    def __init__(self, kind: str, element: str | None = None) -> None:
        """`kind` is steps, cpu, depth, rows, instances, calls or bytes."""
        self.kind = kind
        super().__init__(
            f"（{FUSES[kind]}）", element=element, rule="case-too-deep" if kind == "depth" else None
        )


FUSES = {
    "steps": "自动步骤超过 500 步",
    "cpu": "计算时间超过 2 秒",
    "depth": "流程行进层数超过 900",
    "rows": "流程行数超过 2000",
    "instances": "多人办理超过 200 人",
    "calls": "流程调用超过 5 层",
    "bytes": "流程状态超过 256 KiB",
}


class Stuck(EngineError):
    """办件停住了：没有待办、没有等待，也没有办结。"""

    rule = "case-stuck"


class EndDisputed(EngineError):
    """两种方法对办件是否已走完得出不同结论，未作任何改动。"""

    rule = "end-disputed"


class NotSettled(EngineError):
    """流程尚未运行到停顿，不能保存。"""

    rule = "not-settled"


class RunSpoiled(EngineError):
    """本次运行已出错，不能再使用或保存。"""

    rule = "run-spoiled"

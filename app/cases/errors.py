"""Answers people meet when a case cannot move; the docstring is what they read."""

from app.core.errors import Conflict, Gone, NotFound, Unprocessable


class TaskTaken(Conflict):
    """该任务已被他人签收。"""


class TaskDone(Conflict):
    """该任务已办理完毕。"""


class TaskNotClaimed(Conflict):
    """该任务还没有人签收。"""


class CaseClosed(Conflict):
    """该办件已办结。"""


class CaseBusy(Conflict):
    """该办件正有他人操作，请稍后再试。"""


class NotAwaited(Conflict):
    """该办件没有在等这条消息。"""


class AlreadyFiled(Conflict):
    """该外部编号的办件已经登记过，没有重复登记。"""


class ProcessStopped(Conflict):
    """已保存您填写的内容，流程配置出错，已记入异常，等管理员处理。"""


class ProcessUnknown(NotFound):
    """没有这个流程。"""


class ProcessRetired(Gone):
    """该流程已停用，不能再发起。"""


class OutcomeUnknown(Unprocessable):
    """该环节没有这个办理结论。"""


class OpinionRequired(Unprocessable):
    """这个办理结论必须填写意见。"""


class ReasonRequired(Unprocessable):
    """请填写原因。"""


class UnitNotSelectable(Unprocessable):
    """不能选择这个单位。"""


class IncidentResolved(Conflict):
    """该异常已经处理过了。"""

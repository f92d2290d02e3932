"""Answers people meet when a case cannot move; the docstring is what they read."""

from app.core.errors import Conflict, Gone, NotFound, TooMany, Unprocessable


class TaskTaken(Conflict):
    """该任务已被他人签收。"""


class TaskDone(Conflict):
    """该任务已办理完毕。"""


class TaskNotClaimed(Conflict):
    """该任务还没有人签收，请先签收，再做这一步。"""


class CaseClosed(Conflict):
    """该办件已办结。"""


class CaseBusy(Conflict):
    """该办件正有他人操作，请稍后再试。"""


class NotSeveral(Conflict):
    """这个环节由一个人办理，没有表决。"""


class NotAwaited(Conflict):
    """该办件没有在等这条消息。"""


class CaseMerged(Conflict):
    """该办件已并入另一件，请到那一件里办理。"""


class CaseSuspended(Conflict):
    """该办件已挂起，激活以后才能办理。"""


class NotSuspended(Conflict):
    """该办件没有挂起。"""


class UrgedEnough(TooMany):
    """刚刚催办过，请过一会儿再催。"""

    slug_of_class = "urged-enough"


class CannotReopen(Conflict):
    """这件办件不能重新打开。"""


class NotReached(Conflict):
    """这件的对象没有居民账号，不能写信；请用别的方式联系。"""


class NothingToAnswer(Conflict):
    """还没有人给您写信，不能回信。"""


class NothingToRate(Conflict):
    """这件办件现在没有要您评价的。"""


class AlreadyRated(Conflict):
    """您已经评价过了。"""


class CannotRevoke(Conflict):
    """已经有人办理，不能撤诉。"""


class NothingToRead(Conflict):
    """没有抄送给您的。"""


class CannotMerge(Conflict):
    """这两件不能合并。"""


class CannotSplit(Conflict):
    """该办件不能拆分。"""


class CannotTakeBack(Conflict):
    """不能撤销这次拆分。"""


class NotMerged(Conflict):
    """该办件没有并入别的办件。"""


class VerbForbidden(Conflict):
    """这个环节不能这样操作。"""


class TaskHandedOn(Conflict):
    """该任务已交给别人办理，等交回。"""


class NobodyAbove(Conflict):
    """上面没有可以上报的一级。"""


class TransferredEnough(Conflict):
    """这个任务转办的次数已到上限。"""


class ReturnNotPossible(Conflict):
    """不能退回到那里。"""


class ReturnOverSend(Conflict):
    """退回途中有已经发出的消息。"""


class CannotWithdraw(Conflict):
    """已经不能撤回。"""


class ReturnNotRepeatable(Conflict):
    """退单申请已被驳回，本单位不能再次退回同一工单；如有异议，请提请会商。"""


class ReturnToRuling(Conflict):
    """再退单将提交会商裁定，请确认。"""


class RequestPending(Conflict):
    """同样的申请正在办理，请等它有了结果。"""


class RequestOverdue(Conflict):
    """已经到期，不能再申请。"""


class AlreadyExcluded(Conflict):
    """该办件已经剔除，不计入考核。"""


class NotExcluded(Conflict):
    """该办件没有剔除。"""


class RequestUnavailable(Conflict):
    """还没有发布这种申请的流程，请联系流程管理员。"""


class ChildOpen(Conflict):
    """还有没有办完的下级办件，现在不能结束。"""


class OpenSupervision(ChildOpen):
    """还有没有解除的督办，现在不能结束。"""


class AssistUnavailable(Conflict):
    """还没有发布协办流程（side_assist），请联系流程管理员。"""


class FourEyes(Conflict):
    """不能由同一个人办理。"""


class OneVote(Conflict):
    """一人一票，不能再代别人表态。"""


class PersonNotSelectable(Unprocessable):
    """不能选择这个人。"""


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


class MarkUnknown(Unprocessable):
    """这个流程没有这个标记。"""


class ReasonRequired(Unprocessable):
    """请填写原因。"""


class TaskNotOpen(Unprocessable):
    """这件办件里没有这个待办，或已经办结。"""


class LinkToItself(Unprocessable):
    """办件不能与自己关联。"""


class LinkReversed(Conflict):
    """这两件办件已按相反的方向关联。"""


class ReporterUnknown(Unprocessable):
    """没有这位居民，或不是您辖区内社区的成员。"""


class UnitNotSelectable(Unprocessable):
    """不能选择这个单位。"""


class CasesLacking(Conflict):
    """要先办好另一件，才能往下办。"""

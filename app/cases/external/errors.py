"""Answers that workers outside meet; the docstring is what they read."""

from app.core.errors import Conflict, Forbidden, Unprocessable


class ExternalTaskLockLost(Conflict):
    """这件外部任务已不归这个 workerId：锁过了期、换了人或已放开，没有办成，什么也没有改动。"""


class ExternalTaskClosed(Conflict):
    """这件外部任务已经结束，没有办成，什么也没有改动。"""


class TopicNotGranted(Forbidden):
    """这个账号不能领取这个主题的外部任务。"""

    slug_of_class = "topic-not-granted"


class VariablesWrong(Unprocessable):
    """交回的内容与流程的约定不符，请按提示修改。"""


class ExternalFailed(Exception):
    """外部系统报告没有办成，不再重试；对方说了什么，见外部任务。改正后可以重新交给它，或跳过这一步。"""

    element: str

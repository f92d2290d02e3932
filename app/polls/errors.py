"""Answers people meet at a poll; the docstring is what they read."""

from app.core.errors import Conflict, Unprocessable


class AlreadyVoted(Conflict):
    """已经投过票了，一人一票。"""


class PollClosed(Conflict):
    """投票已经结束。"""


class PollOpen(Conflict):
    """投票还没有结束，结束以后才公布。"""


class NotEligible(Conflict):
    """您在这次投票里已经回避。"""


class ReceiptTaken(Conflict):
    """这个回执码已经用过，请另取一个。"""


class BallotRefused(Unprocessable):
    """选票有误，请按提示修改。"""


class PollRefused(Unprocessable):
    """投票不能这样设置。"""

"""Answers met when a message cannot be taken or sent; the docstring is what partners and people read."""

from app.core.errors import Conflict, NotFound, Unprocessable


class MessageUnknown(NotFound):
    """没有流程在用这个名字的消息。"""


class MessageIdReused(Conflict):
    """这个 messageId 已经用于另一条内容不同的消息。"""


class MessageInFlight(Conflict):
    """同一条消息正在办理，请稍后再试。"""


class SeveralWaiting(Conflict):
    """有不止一件办件在等这条消息，流程没有说给哪一件。"""


class MessageWrong(Unprocessable):
    """消息的内容与约定不符，请按提示修改。"""


class MessageSettled(Conflict):
    """这条消息不在等待处理：已经送到，或正在办理。"""


class DeliverySettled(Conflict):
    """这条消息不在等待处理：已经送达、正在发送或已关闭。"""

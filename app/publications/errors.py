"""Answers people meet at what is shown to residents; the docstring is what they read."""

from app.core.errors import Conflict, Forbidden, Unprocessable


class PublicationClosed(Conflict):
    """已经结束，只能查看。"""


class NotOffered(Conflict):
    """这里没有开放这项互动。"""


class SeatsTaken(Conflict):
    """报满了。"""


class SignUpOver(Conflict):
    """报名已经截止。"""


class AlreadySignedUp(Conflict):
    """已经报过名了。"""


class NotSignedUp(Conflict):
    """没有报名。"""


class SeatsBelowTaken(Conflict):
    """名额不能少于已经报名的人数。"""


class AlreadyStarred(Conflict):
    """已经评过了，一人评一次。"""


class NotAttended(Forbidden):
    """参加了的人才能评。"""


class BookingsEnough(Conflict):
    """还有几个预约没有答复，请等一等。"""


class BookingAnswered(Conflict):
    """这个预约已经答复或取消。"""


class PublicationRefused(Unprocessable):
    """不能这样公示。"""


class ObjectionsOver(Conflict):
    """现在不收异议：公示期已满，或者还没有公示。"""


class AlreadyObjected(Conflict):
    """这一轮公示您已经提过异议，请等答复。"""

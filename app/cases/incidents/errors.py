"""Answers people meet when an incident cannot be dealt with so; the docstring is what they read."""

from app.core.errors import Conflict


class IncidentResolved(Conflict):
    """该异常已经处理过了。"""


class IncidentActRefused(Conflict):
    """这条异常现在不能这样处理。"""


class IncidentStands(Conflict):
    """没有成功，办件保持原样，异常还在。"""

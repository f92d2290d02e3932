"""Answers of requests; the docstring is what people read."""

from app.core.errors import Forbidden


class RequestOfOthers(Forbidden):
    """这是别的单位的申请，您不能查看。"""

"""What stands against a substitution; the docstring is what people read."""

from app.core.errors import Conflict, Unprocessable


class SubstitutionRefused(Unprocessable):
    """这样不能设置代理。"""


class SubstitutionOverlap(Conflict):
    """这段时间里这些流程已经有人代理。"""


class SubstitutionChain(Conflict):
    """代理不能再由别人代理。"""


class SubstitutionOver(Conflict):
    """这个代理已经结束。"""

"""What a decision table may raise: at publish about a cell, at run time about a case."""

from __future__ import annotations

from app.engine.errors import EngineError, ExpressionFailed, NoMatch


class DecisionsUnreadable(EngineError):
    """决策表无法装载。"""

    rule = "decisions-unreadable"


class NoSuchDecision(EngineError):
    """没有找到这张决策表。"""

    rule = "no-such-decision"


class NoRuleMatches(NoMatch):
    """决策表没有一条规则成立。"""

    rule = "no-rule-matches"


class NotUnique(EngineError):
    """决策表只允许一条规则成立，却有几条同时成立。"""

    rule = "decision-not-unique"


class OutputsDiffer(EngineError):
    """决策表同时成立的规则给出了不同的结果。"""

    rule = "decision-outputs-differ"


class DecisionFailed(ExpressionFailed):
    """决策表计算出错。"""

    rule = "decision-failed"


class ResultDoesNotFit(EngineError):
    """决策表的结果与业务规则任务要求的形式不符。"""

    rule = "decision-result-does-not-fit"


class CellRefused(Exception):
    """决策表的一格不能使用。

    rule is dmn-cell-syntax, dmn-type or a bpmn-expression rule; zh and en are sentences that follow the
    quoted cell.
    """

    def __init__(self, rule: str, zh: str, en: str) -> None:
        super().__init__(zh)
        self.rule, self.zh, self.en = rule, zh, en

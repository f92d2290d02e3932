"""Rules of a vote as people read them: “同意”达到名单的 60%，1 人选“不同意”即否决."""

from fractions import Fraction

from app.engine.version import Step
from app.engine.votes import Rule, Vote


def rules_in_words(step: Step) -> list[str]:
    """One sentence a rule; of work shared out, and of a condition in the diagram, what holds there."""
    assert step.many is not None
    if step.many.condition is not None:
        return ["按流程图里写的条件结束"]
    if "vote" not in step.extensions:
        return ["各办各的，全部办完才往下走"]
    vote = step.many.vote
    said = [_rule(rule, vote) for rule in vote.rules]
    return said if vote.early else [*said, "要等所有人表态"]


def _rule(rule: Rule, vote: Vote) -> str:
    need = _number(rule.need)
    match rule.kind:
        case "all" if any(each.kind == "veto" for each in vote.rules):
            return "没有人再能否决就通过"
        case "all":
            return f"每个人都选“{rule.outcome}”才通过"
        case "any":
            return "先表态的一人说了算"
        case "count":
            return f"{need} 人选“{rule.outcome}”就通过"
        case "ratio":
            return f"“{rule.outcome}”达到名单的 {_share(rule.need)} 就通过"
        case "quorum":
            return f"至少 {need} 人表态才能通过"
    return f"{need} 人选“{rule.outcome}”就否决"


def _number(need: Fraction) -> str:
    return str(need.numerator) if need.denominator == 1 else f"{need.numerator}/{need.denominator}"


def _share(need: Fraction) -> str:
    hundred = need * 100
    return f"{hundred.numerator}%" if hundred.denominator == 1 else _number(need)

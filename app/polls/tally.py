"""Counting, as pure functions: what was chosen, whether enough took part, what passes, and in which words."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from app.crypto.sm3 import sm3
from app.polls.errors import PollRefused
from app.polls.matters import Matter

PASSED, REJECTED, NO_QUORUM = "passed", "rejected", "no-quorum"
RESULTS = {PASSED: "通过", REJECTED: "未通过", NO_QUORUM: "参加人数不足"}
MOST = "most"
"""Passes what has more votes than any other option."""
USUAL_PASS = "over 1/2 of voted"

Ballot = tuple[int, bytes, int]
"""matter, receipt, choice (0: abstention); one of several choices each."""

_SHARE = re.compile(r"(\d{1,3})/(\d{1,3})|(\d{1,3})%", re.ASCII)
_PASS = re.compile(r"(over|least) (\S+) of (voted|eligible)", re.ASCII)


@dataclass(frozen=True)
class Counted:
    """One matter: votes by option (0: abstentions), and the option that prevails, if any does."""

    matter: Matter
    votes: Mapping[int, int]
    winner: int | None

    @property
    def passed(self) -> bool:
        """Approved, or an option was chosen."""
        return self.winner == 1 if self.matter.approves else self.winner is not None

    @property
    def line(self) -> str:
        """加装电梯：赞成 50，反对 10，弃权 2，通过."""
        told = "，".join(f"{self.matter.named(choice)} {count}" for choice, count in self.votes.items())
        won = "通过" if self.passed else "未通过"
        if not self.matter.approves:
            won = f"选定“{self.matter.named(self.winner)}”" if self.winner else "没有选定"
        return f"{self.matter.title}：{told}，{won}"


def read_quorum(said: str) -> Fraction | int | None:
    """How many must take part: a share of those who may (1/2, 50%), or a number; empty: any.

    Raises PollRefused.
    """
    if not said:
        return None
    if said.isascii() and said.isdigit():
        return int(said)
    share = _share(said)
    if share is None:
        raise PollRefused(f"法定参与率“{said}”写法不对，应为人数或比例，例如 30、1/2、50%。")
    return share


def quorum_met(said: str, voted: int, eligible: int) -> bool:
    need = read_quorum(said)
    if need is None:
        return True
    return voted >= (need if isinstance(need, int) else need * eligible)


def check_pass(said: str) -> None:
    """Raises PollRefused for a rule that is none."""
    found = _PASS.fullmatch(said)
    if said != MOST and (found is None or _share(found[2]) is None):
        raise PollRefused(
            f"计票规则“{said}”写法不对，应为 most、over 1/2 of voted 或 least 2/3 of eligible 这样的写法。"
        )


def pass_in_words(said: str) -> str:
    """A rule as people read it."""
    if said == MOST:
        return "得票最多的选项当选"
    found = _PASS.fullmatch(said)
    assert found is not None
    whose = "参加投票的人" if found[3] == "voted" else "全体有资格的人"
    share = found[2]
    return f"得票超过{whose}的 {share}" if found[1] == "over" else f"得票达到{whose}的 {share}"


def count(
    matters: Sequence[Matter], ballots: Sequence[Ballot], passes: str, voted: int, eligible: int
) -> list[Counted]:
    """Every matter counted, options nobody chose with 0."""
    counted = Counter((matter, choice) for matter, _, choice in ballots)
    found = []
    for matter in matters:
        choices = [*range(1, len(matter.options) + 1), *([0] if matter.abstention else [])]
        votes = {choice: counted[matter.place, choice] for choice in choices}
        found.append(judged(matter, votes, passes, voted, eligible))
    return found


def judged(matter: Matter, votes: Mapping[int, int], passes: str, voted: int, eligible: int) -> Counted:
    """One matter whose votes are known."""
    return Counted(matter, votes, _winner(votes, passes, voted, eligible))


def result_of(counted: Sequence[Counted], quorum: str, voted: int, eligible: int) -> str:
    """PASSED when enough took part and every matter is decided."""
    if not quorum_met(quorum, voted, eligible):
        return NO_QUORUM
    return PASSED if all(each.passed for each in counted) else REJECTED


def digest(ballots: Sequence[Ballot]) -> bytes:
    """SM3 over the published list: matter, receipt and choice, one line each, sorted."""
    lines = sorted(f"{matter} {receipt.hex()} {choice}" for matter, receipt, choice in ballots)
    return sm3("\n".join(lines).encode())


def _winner(votes: Mapping[int, int], passes: str, voted: int, eligible: int) -> int | None:
    chosen = {choice: number for choice, number in votes.items() if choice}
    best = max(chosen.values())
    leading = [choice for choice, number in chosen.items() if number == best]
    if not best or len(leading) > 1:
        return None
    found = _PASS.fullmatch(passes)
    if found is None:
        return leading[0]
    share = _share(found[2])
    assert share is not None
    need = share * (voted if found[3] == "voted" else eligible)
    return leading[0] if (best > need if found[1] == "over" else best >= need) else None


def _share(text: str) -> Fraction | None:
    found = _SHARE.fullmatch(text)
    if found is None:
        return None
    above, below = (int(found[1]), int(found[2])) if found[1] else (int(found[3]), 100)
    return Fraction(above, below) if below and 0 < above <= below else None

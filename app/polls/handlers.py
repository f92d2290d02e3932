"""What diagrams may call: open a poll of residents, close it, declare it void."""

from datetime import datetime
from typing import Any

from app.cases.handlers import Context, handler
from app.cases.motion import Motion
from app.identity import org
from app.polls import keeping, models, tally
from app.polls.errors import PollRefused
from app.polls.matters import read_matters

YES = (True, "true", "yes", "是")
_TITLE = 200


@handler(
    "polls.open",
    "开始居民投票，到 until 为止；matters 一行一项（题目：选项一、选项二（最多2项），"
    "不写选项就是赞成、反对）；"
    "scope 写单位代码，不写就是办件所在单位，名单是此刻的正式成员；secret 写 yes 无记名；"
    "quorum 法定参与率（1/2、50%、30）；pass 计票规则（over 1/2 of voted、least 2/3 of eligible、most）；"
    "abstain 写 no 不设弃权；live 写 yes 随时公布票数",
    needs=("name", "matters", "until"),
    takes=("title", "scope", "secret", "quorum", "pass", "abstain", "live"),
    gives=("poll", "eligible"),
)
def open_poll(context: Context) -> dict[str, Any]:
    """Everybody who is an approved member now may vote. Raises PollRefused with what is wrong."""
    motion, given = context.motion, context.params
    secret = given.get("secret") in YES
    quorum, passes = _text(given, "quorum"), _text(given, "pass") or tally.USUAL_PASS
    tally.read_quorum(quorum)
    tally.check_pass(passes)
    abstain = given.get("abstain") not in (False, "false", "no", "否")
    new = keeping.NewPoll(
        motion.case["id"],
        _path(motion, _text(given, "scope")),
        _text(given, "name"),
        (_text(given, "title") or motion.case["title"])[:_TITLE],
        read_matters(given["matters"], abstain),
        _until(given["until"], motion.now),
        secret,
        given.get("live") in YES and not secret,  # counts of a secret poll would tell who voted how
        quorum,
        passes,
    )
    poll = keeping.open_(motion.session, new, motion.now)
    eligible = models.eligible(motion.session, poll["id"])
    if not eligible:
        raise PollRefused("这个范围里现在没有正式成员，不能投票。")
    told = {"title": new.title, "until": new.ends_at.isoformat(), "secret": secret, "eligible": eligible}
    motion.tell("poll.opened", poll=poll["id"], **told)
    return {"poll": poll["id"], "eligible": eligible}


@handler(
    "polls.check",
    "核对居民投票的设置，不开始；写错的，填写的人当场看到。没有 matters 就不核对",
    needs=("matters", "until"),
    takes=("quorum", "pass"),
)
def check_poll(context: Context) -> None:
    """What `polls.open` would refuse of what was written. Raises PollRefused."""
    given = context.params
    if not given["matters"]:
        return
    tally.read_quorum(_text(given, "quorum"))
    tally.check_pass(_text(given, "pass") or tally.USUAL_PASS)
    read_matters(given["matters"])
    _until(given["until"], context.motion.now)


@handler(
    "polls.close",
    "结束居民投票并计票：result 是 passed、rejected 或 no-quorum，"
    "agreed、against、abstained 是第一项的第一、第二个选项和弃权的票数，counts 一行一项",
    needs=("name",),
    gives=("result", "eligible", "voted", "quorumMet", "agreed", "against", "abstained", "counts"),
)
def close_poll(context: Context) -> dict[str, Any]:
    """Nobody votes any more; the counts become case data. Raises PollRefused when none was opened."""
    motion = context.motion
    name = _text(context.params, "name")
    poll_id = keeping.newest(motion.session, motion.case["id"], name)
    poll = models.locked(motion.session, poll_id) if poll_id else None
    if poll is None:
        raise PollRefused(f"没有开始过名为“{name}”的投票。")
    was_open = poll["state"] == models.OPEN
    outcome = keeping.close(motion.session, poll, motion.now)
    if was_open:
        told = {"result": outcome.result, "eligible": outcome.eligible, "voted": outcome.voted}
        motion.tell("poll.closed", poll=poll["id"], **told, counts=outcome.lines, digest=outcome.digest.hex())
    first = outcome.counted[0].votes
    return {
        "result": outcome.result,
        "eligible": outcome.eligible,
        "voted": outcome.voted,
        "quorumMet": outcome.result != tally.NO_QUORUM,
        "agreed": first[1],
        "against": first[2],
        "abstained": first.get(0, 0),
        "counts": outcome.lines,
    }


@handler("polls.cancel", "居民投票作废：不再收票，也不计票", needs=("name",))
def cancel_poll(context: Context) -> None:
    """An open poll of this name is void."""
    motion, name = context.motion, _text(context.params, "name")
    keeping.void(motion.session, motion.case["id"], name, motion.now)
    motion.tell("poll.cancelled", poll=keeping.newest(motion.session, motion.case["id"], name))


def _text(given: Any, name: str) -> str:
    return str(given.get(name) or "").strip()


def _until(said: Any, now: datetime) -> datetime:
    try:
        until = datetime.fromisoformat(str(said))
    except ValueError:
        raise PollRefused("没有写明投票到什么时候为止。") from None
    if until.tzinfo is None or until <= now:
        raise PollRefused("投票的截止时间应晚于现在。")
    return until


def _path(motion: Motion, code: str) -> str:
    if not code:
        return str(motion.case["org_path"])
    unit = org.unit_by_code(motion.session, code)
    if unit is None or not unit.valid_at(motion.now):
        raise PollRefused(f"没有代码为“{code}”的单位，不能确定谁有资格投票。")
    return unit.path

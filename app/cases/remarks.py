"""记入经过: what somebody outside did, one line in the course of the case."""

from app.cases.handlers import Context, handler

LONGEST = 300


@handler("cases.remark", "在办件经过里记一句：who 是谁，text 是说什么（空的不记）", needs=("who", "text"))
def remark(context: Context) -> None:
    """Longer texts are cut; personal numbers in them are covered as everywhere."""
    who, text = (str(context.params.get(name) or "").strip() for name in ("who", "text"))
    if text:
        context.motion.tell("case.remarked", who=who[:LONGEST], text=text[:LONGEST])

"""What the diagrams of requests may do to the case that they are about."""

from app.cases.commands.asking import EndCase, Exclude
from app.cases.handlers import Context, handler
from app.cases.requests import deciding


@handler("cases.exclude", "剔除：主办件不再计入考核，留存不删", needs=("reason",))
def exclude(context: Context) -> None:
    """Nothing where there is no case above: a side process that is tried out by itself."""
    motion = context.motion
    above = motion.case["parent_id"]
    if above is not None:
        motion.ask(Exclude(above, str(context.params.get("reason") or "")))
        deciding.decided(motion, "granted")


@handler("cases.end", "撤单：主办件到此终止，没有办完的下级办件照各自的规定结束", needs=("reason",))
def end(context: Context) -> None:
    """The same for a case that its reporter calls off."""
    motion = context.motion
    above = motion.case["parent_id"]
    if above is not None:
        motion.ask(EndCase(above, str(context.params.get("reason") or "")))
        deciding.decided(motion, "granted")

"""What the diagrams of requests may do to the case that they are about."""

from app.cases.commands.asking import Exclude
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

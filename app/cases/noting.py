"""记一行: a diagram adds a dated line to a list: what is said again and again is kept, not overwritten."""

from app.cases.handlers import Context, Results, handler
from app.core.clock import BEIJING
from app.engine.errors import HandlerFailed

MOST_LINES, LONGEST = 200, 2000


@handler(
    "lists.append",
    "在列表后面加一行：日期、mark 连着 after、text，例如 2026-03-02，20%：已完工；不改已有的行",
    needs=("text",),
    takes=("list", "mark", "after"),
    gives=("list",),
)
def append(context: Context) -> Results:
    """The list with one line more. Raises HandlerFailed when it is no list, or full."""
    given = context.params
    lines = given.get("list") or []
    if not isinstance(lines, list) or len(lines) >= MOST_LINES:
        raise HandlerFailed(f"（只能加在列表后面，最多 {MOST_LINES} 行）")
    marks = (str(given[name]) for name in ("mark", "after") if given.get(name) is not None)
    mark = "".join(marks)
    day = context.motion.now.astimezone(BEIJING).date().isoformat()
    line = f"{day}{'，' if mark else ''}{mark}：{given.get('text') or ''}"
    return {"list": [*lines, line[:LONGEST]]}

"""推荐分类: what an order seems to be about, kept beside what people then choose."""

from app.cases.handlers import Context, Results, handler
from app.cases.motion import expression_data
from app.categories.suggesting import suggest

READ = ("title", "content")
"""The names whose text is read; numbers of people are masked in it already."""


@handler(
    "categories.suggest",
    "按分类表里的常用词推荐分类；已经选了分类的，分类不变",
    needs=("table",),
    takes=("chosen",),
    gives=("suggestion", "category", "why"),
)
def suggest_category(context: Context) -> Results:
    """The proposal (None without one), the category that holds for now, and the words that speak for it."""
    motion = context.motion
    data = expression_data(motion.bundle, motion.case)
    text = "\n".join(str(data.get(name) or "") for name in READ)
    found = suggest(motion.session, str(context.params["table"]), text, motion.now)
    chosen = context.params.get("chosen")
    return {
        "suggestion": found.code if found else None,
        "category": chosen or (found.code if found else None),
        "why": "、".join(found.words) if found else None,
    }

"""推荐分类: what an order seems to be about, kept beside what people then choose."""

from app.cases.handlers import Context, Results, handler
from app.cases.motion import expression_data
from app.cases.suggestions.advisers import text_of
from app.categories.suggesting import suggest


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
    text = text_of(expression_data(motion.bundle, motion.case))
    found = suggest(motion.session, str(context.params["table"]), text, motion.now)
    chosen = context.params.get("chosen")
    return {
        "suggestion": found.code if found else None,
        "category": chosen or (found.code if found else None),
        "why": "、".join(found.words) if found else None,
    }

"""推荐分类: what an order seems to be about, kept beside what people then choose."""

from app.cases.handlers import Context, Results, handler
from app.cases.motion import expression_data
from app.cases.suggestions.advisers import text_of
from app.categories.suggesting import suggest


@handler(
    "categories.suggest",
    "按分类表里的常用词推荐分类；已经选到最后一级的不变，只选到上级的须在它下面细分",
    needs=("table",),
    takes=("chosen",),
    gives=("suggestion", "category", "why"),
)
def suggest_category(context: Context) -> Results:
    """The proposal (None without one), the category that holds for now, and the words that speak for it.

    A chosen category that has parts holds only as the branch in which the proposal must lie.
    """
    motion = context.motion
    text = text_of(expression_data(motion.bundle, motion.case))
    table, chosen = str(context.params["table"]), context.params.get("chosen")
    found = suggest(motion.lookups.category_table(table), text, motion.now)
    branch = motion.lookups.categories(table, (chosen,)).get(chosen) if chosen else None
    proposed, why = (found.code, "、".join(found.words)) if found else (None, None)
    if branch is None or branch.leaf:
        return {"suggestion": proposed, "category": chosen or proposed, "why": why}
    known = motion.lookups.categories(table, (proposed,)).get(proposed) if proposed else None
    within = known is not None and branch.code in known.codes
    why = f"已选到“{branch.name}”" + (f"；{why}" if within else "，请细分")
    return {"suggestion": proposed, "category": proposed if within else None, "why": why[:200]}

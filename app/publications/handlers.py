"""What diagrams may call: show a case to residents, close what is shown, hide it, count what they did."""

from typing import Any

from app.bundles.publishing import CLOSED, HIDDEN, Publishing
from app.cases.handlers import Context, handler
from app.cases.links.tying import tie_both
from app.core.ids import new_id
from app.engine.errors import HandlerFailed
from app.publications import counting, following, offering
from app.publications.errors import PublicationRefused
from app.publications.models import SHOWN

ORDER = "publications.order"


@handler(
    "publications.show",
    "给居民看：process.yaml 的 publication 里名为 name 的一项（只有一项时可以不写）；"
    "已经显示的不变，结束或不再显示的重新开放",
    takes=("name",),
    gives=("publication",),
)
def show(context: Context) -> dict[str, Any]:
    """Residents see it from the end of this act on; what they did before it was hidden is still there."""
    motion, shown = context.motion, _meant(context)
    row = following.kept(motion).get(shown.name) or {
        "id": new_id(),
        "case_id": motion.case["id"],
        "name": shown.name,
        "process_key": motion.bundle.key,
        "taken": 0,
    }
    told = {
        "section": shown.section,
        "audience": shown.audience,
        "ended": shown.ended,
        "state": SHOWN,
        "shown_at": motion.now,
        "hidden_at": None,
        "reason": None,
    }
    following.turn(motion, shown.name, {**row, **told})
    motion.tell("publication.shown", publication=row["id"], called=shown.name, section=shown.section)
    return {"publication": row["id"]}


@handler(
    "publications.close",
    "给居民看的到此为止：仍然看得到，不能再点赞、评论、评星、报名、预约；name 只有一项时可以不写",
    takes=("name",),
)
def close(context: Context) -> None:
    """It is only looked at from now on; showing it again opens it."""
    _turn(context, "publication.closed", state=CLOSED)


@handler(
    "publications.hide",
    "不再给居民看；name 只有一项时可以不写，reason 写原因",
    takes=("name", "reason"),
)
def hide(context: Context) -> None:
    """Nobody but staff sees it; the rows stay."""
    reason = str(context.params.get("reason") or "").strip() or None
    _turn(context, "publication.hidden", state=HIDDEN, hidden_at=context.motion.now, reason=reason)


@handler(
    "publications.tally",
    "清点居民做了什么：likes 点赞、comments 显示着的评论、signedUp 报名人数（含同行）、checkedIn 签到人数、"
    "raters 评星的人数、stars 平均几星（没有人评时为空）、aspects 每个方面一行；name 只有一项时可以不写",
    takes=("name",),
    gives=("likes", "comments", "signedUp", "checkedIn", "raters", "stars", "aspects"),
)
def tally(context: Context) -> dict[str, Any]:
    """As of now; nothing when it was never shown."""
    motion, shown = context.motion, _meant(context)
    row = following.kept(motion).get(shown.name)
    found = [row["id"]] if row is not None else []
    mine = counting.of(motion.session, found)[found[0]] if found else counting.NOTHING
    return {
        "likes": mine.likes,
        "comments": mine.comments,
        "signedUp": mine.signed_up,
        "checkedIn": mine.checked_in,
        "raters": mine.raters,
        "stars": mine.mean,
        "aspects": [
            f"{aspect}：{mine.stars[aspect].mean}（{mine.stars[aspect].number} 人）"
            for aspect in shown.ratings
            if aspect in mine.stars
        ],
    }


@handler(
    ORDER,
    "点单：number 是清单里一件的编号（空的就是没有选清单，什么也不做）；两件互相关联；"
    "title、unit、category 是它的标题、所在单位和类别，unit、category 已经写了的不变",
    needs=("number",),
    takes=("unit", "category"),
    gives=("title", "unit", "category"),
)
def order(context: Context) -> dict[str, Any]:
    """The form has looked whether it can still be had (`publications(…)`); here it is tied to the order.

    Raises HandlerFailed for a number under which nothing was ever shown.
    """
    motion, given = context.motion, context.params
    number = str(given["number"] or "").strip()
    chosen = offering.numbered(motion.session, number) if number else None
    if number and chosen is None:
        raise HandlerFailed(f"（清单里没有编号为“{number}”的）")
    if chosen is not None:
        tie_both(motion, chosen["case_id"], "related")
    found = chosen or {"title": None, "place_unit": None, "category": None}
    return {
        "title": found["title"],
        "unit": given.get("unit") or found["place_unit"],
        "category": given.get("category") or found["category"],
    }


def _turn(context: Context, event: str, **columns: Any) -> None:
    motion, shown = context.motion, _meant(context)
    row = following.kept(motion).get(shown.name)
    if row is None:  # never shown: nothing to take back
        return
    following.turn(motion, shown.name, {**row, **columns})
    why = {"reason": columns["reason"]} if columns.get("reason") else {}
    motion.tell(event, publication=row["id"], called=shown.name, section=shown.section, **why)


def _meant(context: Context) -> Publishing:
    declared = context.motion.bundle.process.publications
    name = str(context.params.get("name") or "").strip()
    if not name and len(declared) == 1:
        return next(iter(declared.values()))
    if name not in declared:
        known = "、".join(declared) or "一项也没有"
        raise PublicationRefused(f"process.yaml 的 publication 里没有“{name}”；有：{known}。")
    return declared[name]

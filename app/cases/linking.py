"""关联一件: a diagram ties its case to one of another process that it names."""

from typing import Any

from sqlalchemy import select

from app.cases.counting import alike
from app.cases.errors import CasesLacking
from app.cases.gathering import TIED
from app.cases.handlers import Context, handler
from app.cases.links.tying import tie
from app.cases.models import cases

NAME = "cases.link"


@handler(
    NAME,
    "关联另一个流程在同一单位的一件：process、where 与 cases.count 一样写，关联最新的一件，已经关联的不变；"
    "没有就不能往下办，办理的人看到 otherwise 写的话；title、number 是那一件的标题和编号",
    needs=("process", "where"),
    takes=("otherwise",),
    gives=("title", "number"),
)
def link(context: Context) -> dict[str, Any]:
    """Ties them as related, told by this case; nothing of the other is locked. Raises CasesLacking."""
    motion, mine = context.motion, context.motion.case["id"]
    query = select(cases.c.id, cases.c.title, cases.c.number).where(*alike(context))
    other = motion.session.execute(query.order_by(cases.c.id.desc()).limit(1)).first()
    if other is None:
        raise CasesLacking(str(context.params.get("otherwise") or "").strip() or None)
    if other.id not in motion.session.execute(TIED, {"mine": mine}).scalars().all():
        tie(motion, other.id, "related")
    return {"title": other.title, "number": other.number}

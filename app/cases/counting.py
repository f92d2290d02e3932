"""另有几件: a diagram asks how many cases of another process there are, and may insist on some."""

from typing import Any

from sqlalchemy import and_, bindparam, exists, func, select

from app.cases.errors import CasesLacking
from app.cases.feeding import MappingUnread, read_mapping
from app.cases.handlers import Context, handler
from app.cases.models import case_facts, cases
from app.cases.motion import Motion, expression_data
from app.engine.errors import HandlerFailed

NAME = "cases.count"
COLUMNS = ("number", "status", "state", "end_element")
_NEWEST = func.max(cases.c.id)


@handler(
    NAME,
    "另一个流程在同一单位有几件：process 写流程的键，"
    "where 写条件，逗号隔开，例如 status='已绑定', project=number"
    "（对方的 number、status、state、end_element 或 facts 里的名字=本件的名字或文字）；"
    "least 写至少几件、most 写至多几件，不是这样就不能往下办，办理的人看到 otherwise 写的话；"
    "title、case 是最新一件的标题和编号（id）",
    needs=("process", "where"),
    takes=("least", "most", "otherwise"),
    gives=("count", "title", "case"),
)
def count(context: Context) -> dict[str, Any]:
    """As they stand now; nothing of the other cases is locked. Raises CasesLacking with `otherwise`."""
    motion, given = context.motion, context.params
    query = select(func.count().label("found"), _NEWEST.label("newest")).where(*alike(context))
    row = motion.session.execute(query).one()
    found, newest = int(row.found), row.newest
    most = given.get("most")
    if found < int(given.get("least") or 0) or (most is not None and found > int(most)):
        raise CasesLacking(str(given.get("otherwise") or "").strip() or None)
    title = motion.session.scalar(select(cases.c.title).where(cases.c.id == newest)) if newest else None
    return {"count": found, "title": title, "case": newest}


def alike(context: Context) -> list[Any]:
    """What cases must be that `process` and `where` name, at the unit of this one."""
    motion, given = context.motion, context.params
    own = (
        cases.c.process_key == str(given["process"]).strip(),
        cases.c.org_path == motion.case["org_path"],
    )
    return [*own, *_conditions(motion, str(given["where"]))]


def _conditions(motion: Motion, text: str) -> list[Any]:
    """Columns and facts of the other cases, each equal to what this case holds. A name without a value meets
    nothing."""
    known = expression_data(motion.bundle, motion.case)
    try:
        pairs = read_mapping(text)
    except MappingUnread as unread:
        raise HandlerFailed(f"（where 里的“{unread}”看不懂，应为 名字=名字 或 名字='文字'）") from None
    found = []
    for place, pair in enumerate(pairs):
        value = pair.text if pair.of is None else known.get(pair.of)
        wanted: Any = bindparam(f"value_{place}", None if value is None else str(value))
        if pair.to in COLUMNS:
            found.append(cases.c[pair.to] == wanted)
        else:
            fact = and_(
                case_facts.c.case_id == cases.c.id,
                case_facts.c.name == pair.to,
                case_facts.c.as_text == wanted,
            )
            found.append(exists().where(fact))
    return found

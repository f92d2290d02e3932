"""What diagrams may tell people: who is meant and in which words is written at the step."""

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam, or_, select

from app.bundles.data_fields import DataField
from app.bundles.tiers import TELL, role_at
from app.cases.assign import HANDLER_ROLE
from app.cases.handlers import Context, handler
from app.cases.models import cases
from app.cases.motion import Motion, expression_data
from app.cases.sentences import minutes
from app.crypto.sm3 import sm3_hex
from app.engine.errors import HandlerFailed
from app.identity import org
from app.notices import who
from app.notices.rules import OTHER, in_force
from app.notices.telling import Notice, keep
from app.notices.who import PERSON, Parts, Person

REPORTERS = "reporters"
"""The reporter of the case and of every case that was merged into it."""
_UNIT = re.compile(r"unit\(([a-z][a-z0-9_]*)\)")
_NAME = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_REPORTERS = select(cases.c.reporter_id).where(
    or_(cases.c.id == bindparam("case"), cases.c.merged_into == bindparam("case")),
    cases.c.reporter_id.is_not(None),
)


@handler(
    "notices.tell",
    "告诉人：to 写告诉谁，几个用逗号分开（reporters 反映人和并入本件的反映人、unit(名字) 那个单位的承办人，"
    "以及 filer、reporter、followers、handler、角色@层级）；text 是要说的话，{名字} 换成办件里的内容；"
    "class 是 _notices.yaml 里的类别，不写就是其他通知",
    needs=("to", "text"),
    takes=("class",),
)
def tell(context: Context) -> None:
    """Raises HandlerFailed for a word or a name that is unknown or secret."""
    motion, given = context.motion, context.params
    kind = str(given.get("class") or OTHER)
    if kind not in in_force().kinds and kind != OTHER:
        raise HandlerFailed(f"（_notices.yaml 里没有“{kind}”这一类通知）")
    text = _worded(motion, str(given["text"]))
    words = [word.strip() for word in str(given["to"]).split(",") if word.strip()]
    people = _people(motion, words, kind)
    about = f"{motion.case['id']}.told.{motion.now:%y%m%d%H%M%S%f}.{sm3_hex(text.encode())[:16]}"
    notice = Notice(kind, text, about, motion.now, motion.case["id"], motion.actor.id)
    keep(motion.session, [(person, notice) for person in people if person.id != motion.actor.id])
    motion.tell("people.told", to=words, text=text)


def _people(motion: Motion, words: list[str], kind: str) -> Iterable[Person]:
    ids: set[str] = set()
    pools: set[str] = set()
    named = [word for word in words if word != REPORTERS and _UNIT.fullmatch(word) is None]
    for word in named:
        if word not in TELL and role_at(word) is None:
            raise HandlerFailed(f"（不知道“{word}”是谁）")
    parts = Parts(motion.session, [motion.case["id"]], named, [kind]) if named else None
    for word in words:
        if word == REPORTERS:
            ids |= set(motion.session.execute(_REPORTERS, {"case": motion.case["id"]}).scalars())
        elif chosen := _UNIT.fullmatch(word):
            pools |= _desk(motion, chosen[1])
        elif parts is not None:
            for names in parts.holders(motion.case["id"], word):
                ids |= {name.removeprefix(PERSON) for name in names if name.startswith(PERSON)}
                pools |= {name for name in names if not name.startswith(PERSON)}
    found = {person.id: person for person in who.named(motion.session, ids, [kind])}
    for standing in who.members(motion.session, pools, [kind], motion.now).values():
        found |= {person.id: person for person in standing}
    return found.values()


def _desk(motion: Motion, name: str) -> set[str]:
    if name not in motion.bundle.process.data:
        raise HandlerFailed(f"（“{name}”没有在 data 里声明）")
    code = motion.case["data"].get(name)
    unit = org.unit_by_code(motion.session, code) if code else None
    return {f"{HANDLER_ROLE}@{unit.path}"} if unit is not None else set()


def _worded(motion: Motion, text: str) -> str:
    """The text with what the case holds put in."""
    held = expression_data(motion.bundle, motion.case)

    def word(found: re.Match[str]) -> str:
        field = motion.bundle.process.data.get(found[1])
        if field is None or field.secret:
            raise HandlerFailed(f"（通知里的“{found[1]}”没有声明，或是加密保存的）")
        return _said(motion, field, held.get(found[1]))

    return _NAME.sub(word, text)


def _said(motion: Motion, field: DataField, value: Any) -> str:
    if value in (None, "", []):
        return "（未填）"
    if field.type == "unit":
        unit = org.unit_by_code(motion.session, value)
        return unit.name if unit is not None else str(value)
    if field.type == "datetime":
        return minutes(str(value))
    return str(value)

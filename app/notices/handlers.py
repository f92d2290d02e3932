"""What diagrams may tell people: who is meant and in which words is written at the step."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select

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
_MERGED = select(cases.c.reporter_id).where(
    cases.c.merged_into == bindparam("case"), cases.c.reporter_id.is_not(None)
)


@handler(
    "notices.tell",
    "告诉人：to 写告诉谁，几个用逗号分开（reporters 反映人和并入本件的反映人、unit(名字) 那个或那几个单位"
    "的承办人，以及 filer、reporter、followers、handler、角色@层级）；text 是要说的话，{名字} 换成办件里的"
    "内容；class 是 _notices.yaml 里的类别，不写就是其他通知",
    needs=("to", "text"),
    takes=("class",),
)
def tell(context: Context) -> None:
    """Raises HandlerFailed for a word or a name that is unknown or secret."""
    motion, given = context.motion, context.params
    kind = str(given.get("class") or OTHER)
    if kind not in in_force().kinds and kind != OTHER:
        raise HandlerFailed(f"（_notices.yaml 里没有“{kind}”这一类通知）")
    said, words = str(given["text"]), [word.strip() for word in str(given["to"]).split(",") if word.strip()]
    units = _units(motion, said, words)
    text = _worded(motion, said, units)
    people = _people(motion, words, kind, units)
    about = f"{motion.case['id']}.told.{motion.now:%y%m%d%H%M%S%f}.{sm3_hex(text.encode())[:16]}"
    notice = Notice(kind, text, about, motion.now, motion.case["id"], motion.actor.id)
    keep(motion.session, [(person, notice) for person in people if person.id != motion.actor.id])
    motion.tell("people.told", to=words, text=text)


Units = Mapping[str, Sequence[org.Unit]]


def _units(motion: Motion, text: str, words: Iterable[str]) -> Units:
    """All units that are spoken of or told, asked for at once, by the name that holds one or a list of them.

    Raises HandlerFailed for a name that is not declared.
    """
    declared = motion.bundle.process.data
    told = [chosen[1] for word in words if (chosen := _UNIT.fullmatch(word))]
    for name in told:
        if name not in declared:
            raise HandlerFailed(f"（“{name}”没有在 data 里声明）")
    spoken = [name for name in _NAME.findall(text) if name in declared and declared[name].type == "unit"]
    held = expression_data(motion.bundle, motion.case)
    codes = {name: _codes(held.get(name)) for name in (*told, *spoken)}
    found = org.units_by_code(motion.session, sorted({code for own in codes.values() for code in own}))
    return {name: [found[code] for code in own if code in found] for name, own in codes.items()}


def _codes(held: Any) -> list[str]:
    return [str(each) for each in (held if isinstance(held, list) else [held]) if each]


def _people(motion: Motion, words: list[str], kind: str, units: Units) -> Iterable[Person]:
    ids: set[str] = set()
    pools: set[str] = set()
    named = [word for word in words if word != REPORTERS and _UNIT.fullmatch(word) is None]
    for word in named:
        if word not in TELL and role_at(word) is None:
            raise HandlerFailed(f"（不知道“{word}”是谁）")
    parts = Parts(motion.session, [motion.case["id"]], named, [kind]) if named else None
    for word in words:
        if word == REPORTERS:
            ids |= _reporters(motion)
        elif chosen := _UNIT.fullmatch(word):
            pools |= {f"{HANDLER_ROLE}@{unit.path}" for unit in units[chosen[1]]}
        elif parts is not None:
            for names in parts.holders(motion.case["id"], word):
                ids |= {name.removeprefix(PERSON) for name in names if name.startswith(PERSON)}
                pools |= {name for name in names if not name.startswith(PERSON)}
    found = {person.id: person for person in who.named(motion.session, ids, [kind])}
    for standing in who.members(motion.session, pools, [kind], motion.now).values():
        found |= {person.id: person for person in standing}
    return found.values()


def _reporters(motion: Motion) -> set[str]:
    own = {motion.case["reporter_id"]} - {None}
    if not motion.case["children_open"]:  # nothing was merged into it
        return own
    return own | set(motion.session.execute(_MERGED, {"case": motion.case["id"]}).scalars())


def _worded(motion: Motion, text: str, units: Units) -> str:
    """The text with what the case holds put in."""
    held = expression_data(motion.bundle, motion.case)

    def word(found: re.Match[str]) -> str:
        name = found[1]
        field = motion.bundle.process.data.get(name)
        if field is None or field.secret:
            raise HandlerFailed(f"（通知里的“{name}”没有声明，或是加密保存的）")
        return (
            "、".join(unit.name for unit in units[name]) if units.get(name) else _said(field, held.get(name))
        )

    return _NAME.sub(word, text)


def _said(field: DataField, value: Any) -> str:
    if value in (None, "", []):
        return "（未填）"
    return minutes(str(value)) if field.type == "datetime" else str(value)

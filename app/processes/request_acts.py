"""The verbs of scenarios that ask for something beside a case: one for each kind of request."""

from functools import partial

from app import bundles
from app.bundles import store
from app.bundles.forms import Form
from app.bundles.keys import Key
from app.bundles.verbs import VERBS
from app.cases.attachments import kinds, loose, names, shelf
from app.cases.attachments import service as attachments
from app.cases.requests import service
from app.cases.requests.kinds import KINDS, Kind
from app.core.db import reading, transaction
from app.core.ids import new_id
from app.identity.actor import Actor
from app.processes.acts import ANSWERS, Doing, act, codes
from app.processes.stage import Row


def with_files(actor: Actor, answers: Row, form: Form | None) -> Row:
    """Answers that name files (`现场.jpg`), with files brought for them instead; a walk keeps no bytes."""
    asked = {each.name for each in form.fields if each.asks == "files"} if form is not None else set()
    named = {name: value for name, value in answers.items() if name in asked and isinstance(value, list)}
    return {**answers, **{name: [_brought(actor, str(each)) for each in named[name]] for name in named}}


def _brought(actor: Actor, name: str) -> str:
    ending = names.ending_of(name)
    found = next((each for each in kinds.TYPES if ending in each.endings), kinds.TEXT)
    taken = attachments.Taken(name, found, shelf.Kept(f"00000000/{new_id()}", 1, bytes(32)))
    with transaction() as session:
        return str(loose.keep(session, actor, taken.command())["id"])


def _ask(kind: Kind, doing: Doing) -> str:
    with reading() as session:
        version = store.latest(session, kind.process)
    bundle = bundles.get(version) if version is not None else None
    form = bundle.forms.get(bundle.engine.start_form or "") if bundle is not None else None
    answers = with_files(doing.actor, codes(doing.given.get("answers", {}), form), form)
    service.ask(doing.actor, doing.task["id"], kind.key, answers)
    return f"{VERBS[kind.verb]}（“{doing.task['name']}”）"


for _kind in KINDS.values():
    act(
        _kind.verb,
        VERBS[_kind.verb],
        answers=Key(ANSWERS, "申请表的内容；附件写文件名"),
    )(partial(_ask, _kind))

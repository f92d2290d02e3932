"""What people do in a walk before they are away: somebody stands in for them, and does so no longer."""

from datetime import timedelta

from sqlalchemy import select

from app.bundles.keys import Key
from app.core import clock
from app.core.db import transaction
from app.identity.models import substitutions
from app.processes.acts import REASON, WHO, Doing, act
from app.processes.stage import Unmet
from app.substitutes import service
from app.substitutes.service import Wanted

LASTS = timedelta(days=1)
"""How long somebody stands in, unless it is ended before: the people of a walk are those of the next one."""


@act("represent", "请人代理一天", "case", to=Key(WHO, "谁代理", required=True), reason=REASON)
def _represent(doing: Doing) -> str:
    who = doing.walk.actor(doing.text("to"))
    with transaction() as session:
        until = clock.now(session) + LASTS
        service.create(session, doing.actor, Wanted(None, who.login, None, until, None, doing.text("reason")))
    return f"请{who.name}代理：{doing.text('reason')}"


@act("endRepresentation", "结束代理", "case", reason=REASON)
def _end(doing: Doing) -> str:
    mine = (substitutions.c.person_id == doing.actor.id, substitutions.c.ended_at.is_(None))
    with transaction() as session:
        which = session.scalar(select(substitutions.c.id).where(*mine).order_by(substitutions.c.id.desc()))
        if which is None:
            raise Unmet("没有人在代理。")
        service.end(session, doing.actor, which, doing.text("reason"))
    return f"结束代理：{doing.text('reason')}"

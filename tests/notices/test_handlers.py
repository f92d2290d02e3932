"""`notices.tell` on a diagram: what is written wrong is said plainly, before anybody is told."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from app.bundles.bundle import compile_bundle
from app.cases.handlers import Context, registered
from app.engine.errors import HandlerFailed
from tests import world as worlds

WRONG = [
    ({"to": "somebody", "text": "好"}, "不知道“somebody”是谁"),
    ({"to": "unit(nowhere)", "text": "好"}, "“nowhere”没有在 data 里声明"),
    ({"to": "reporters", "text": "{nothing}"}, "通知里的“nothing”没有声明"),
    ({"to": "reporters", "text": "请联系 {contact_phone}"}, "“contact_phone”没有声明，或是加密保存的"),
    ({"to": "reporters", "text": "好", "class": "nothing"}, "没有“nothing”这一类通知"),
]


@pytest.mark.parametrize(("params", "said"), WRONG)
def test_a_word_or_name_that_nobody_knows_is_said(params: dict[str, Any], said: str) -> None:
    bundle, _ = compile_bundle(worlds.shipped("civic_practice"))
    case = {"id": "1", "received_at": datetime(2026, 3, 2, tzinfo=UTC), "data": {}}
    motion: Any = SimpleNamespace(bundle=bundle, case=case, session=None)

    with pytest.raises(HandlerFailed, match=said):
        registered("notices.tell").function(Context(motion, params))

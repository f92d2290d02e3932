"""What the engine may ask of a case while it settles (engine.md §1.1), and a case woken with it."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import orjson

from app.bundles.data_fields import RESERVED, DataField, chosen_name
from app.bundles.messages import Message
from app.bundles.values import Wrong, is_empty, reader
from app.cases import handlers
from app.cases.attachments import models as attachments
from app.cases.items import Seen
from app.cases.motion import WRITABLE, Motion, expression_data
from app.cases.secrets import showing, taking
from app.crypto.sm3 import hmac_sm3, sm3_hex
from app.engine.errors import HandlerFailed
from app.engine.run import Run


def awake(motion: Motion) -> Run:
    """The engine with this case, and in the motion what it waited for before anything happened."""
    run = Run.load(motion.case["engine"], motion.bundle.engine, CaseEnv(motion))
    motion.awaited = run.waiting()
    return run


class CaseEnv:
    """The transaction's instant, the case's data, the clocks' functions, and the doors out of the engine."""

    def __init__(self, motion: Motion) -> None:
        self._motion = motion
        self.now = motion.now
        self.functions: Mapping[str, Callable[..., Any]] = motion.board.functions
        self._data: Mapping[str, Any] | None = None

    @property
    def data(self) -> Mapping[str, Any]:
        """Every name an expression may use; what is filled per item is a list in the items' order."""
        if self._data is None:
            self._data = Seen(self._motion, expression_data(self._motion.bundle, self._motion.case))
        return self._data

    def is_workday(self, day: date) -> bool:
        return self._motion.board.is_workday(day)

    def call(self, handler: str, params: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Runs a registered handler; it changes this motion and adds rows, and does nothing else."""
        results = handlers.registered(handler).function(handlers.Context(self._motion, params))
        self._data = None  # it may have written
        return results

    def write(self, values: Mapping[str, Any]) -> None:
        """Keeps outputs as case data, each as its declared type. Raises HandlerFailed for a misfit."""
        declared = self._motion.bundle.process.data
        clean: dict[str, Any] = {}
        for name, value in values.items():
            if name not in declared or (name in RESERVED and name not in WRITABLE):
                raise HandlerFailed(f"（结果“{name}”不是可以写入的名字）")
            clean[name] = _read(declared[name], value, self.now)
            if declared[name].type == "category":
                clean[chosen_name(declared[name]).name] = self._called(declared[name], clean[name])
        self._motion.write(clean)
        self._data = None

    def send(self, message: str, params: Mapping[str, Any]) -> None:
        """A message leaves the case: told in this transaction, sent later by whoever listens."""
        motion = self._motion
        drawn = motion.bundle.messages[message]
        if drawn.secret:
            body = drawn.render({**self.data, **showing.secrets_now(motion)}, self._attached)
            # A plain hash of a short body could be tried out, number by number.
            key = taking.key_of(motion.session, motion.case["id"])
            digest: str | None = hmac_sm3(key.secret, orjson.dumps(body)).hex()
        else:
            body, digest = drawn.render(self.data, self._attached), None
        sent(motion, drawn, body, digest)

    def _attached(self, step: str) -> list[dict[str, Any]]:
        return attached(self._motion, self._motion.case["id"], step)

    def _called(self, field: DataField, code: str | None) -> str | None:
        """What a category is called now, to be kept beside its code."""
        if code is None:
            return None
        found = self._motion.lookups.categories(field.table, (code,)).get(code)
        if found is None:
            raise HandlerFailed(f"（“{field.label}”的结果“{code}”不是现在可选的分类）")
        return found.name


def sent(motion: Motion, message: Message, body: Mapping[str, Any], digest: str | None = None) -> None:
    """Tells that a message leaves; `digest` stands for its body where a plain hash would tell too much."""
    digest = digest or sm3_hex(orjson.dumps(body))
    motion.tell_outside("message.sent", {"message": message.name, "to": message.to, "hash": digest}, body)


def attached(motion: Motion, case_id: str, step: str) -> list[dict[str, Any]]:
    """What was attached at a step, as a partner reads it; the bytes are fetched at `url`."""
    return [
        {
            "name": file.name,
            "mime": file.mime,
            "size": file.size,
            "sm3": file.sm3.hex(),
            "url": f"/api/v1/attachments/{file.id}",
        }
        for file in attachments.kept_once(motion.session, case_id, motion.asked)
        if file.step == step
    ]


def _read(field: DataField, value: Any, now: datetime) -> Any:
    """A result as its declared type holds it; several rules may give a list the same item twice."""
    if isinstance(value, list):
        value = [each for place, each in enumerate(value) if each not in value[:place]]
    try:
        return None if is_empty(value) else reader(field)(value, now)
    except Wrong as wrong:
        raise HandlerFailed(f"（“{field.label}”的结果不合要求：{wrong.zh.rstrip('。')}）") from None

"""Answers kept for repeated requests, sealed: what core/once asks of the room above it."""

from app.core import once
from app.core.db import Session
from app.core.errors import Conflict
from app.core.once import Once
from app.crypto import data_keys, marks, sm4
from app.crypto.sm4 import Place, Unreadable


class AnswerUnreadable(Conflict):
    """上次的回答已无法读出，请查看办件的现状，不要重复提交。"""


class Kept:
    """Seals bodies with the system key, and marks requests so that nobody can guess what was sent."""

    def warm(self) -> None:
        data_keys.warm(data_keys.ANSWERS)

    def mark(self, session: Session, fingerprint: str) -> str:
        return marks.mark(session, data_keys.ANSWERS, fingerprint)

    def same(self, session: Session, mark: str, fingerprint: str) -> bool:
        return marks.same(session, mark, fingerprint)

    def seal(self, session: Session, this: Once, body: bytes) -> bytes:
        return sm4.seal(data_keys.system(session, data_keys.ANSWERS), _place(this), body)

    def open(self, session: Session, this: Once, kept: bytes) -> bytes:
        """Raises AnswerUnreadable: a second effect would be worse than no answer."""
        try:
            key = data_keys.by_number(session, sm4.key_number(kept))
            return sm4.open_(key, _place(this), kept)
        except Unreadable:
            raise AnswerUnreadable from None


def install() -> None:
    once.seal_with(Kept())


def _place(this: Once) -> Place:
    return Place("idempotency", "body", f"{this.principal}|{this.method}|{this.route}|{this.key}")

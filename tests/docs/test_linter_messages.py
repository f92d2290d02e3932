"""Every sentence of the linter is in its page, and the page is written from them."""

from tests.docs.test_diagram_guide import GUIDE, ROOT
from tests.engine import linter_messages


def test_every_message_of_the_linter_is_listed() -> None:
    kept = (ROOT / "docs" / "linter-messages.md").read_text(encoding="utf-8")

    assert kept == linter_messages.page()  # python -m tests.engine.linter_messages writes it


def test_what_the_corpus_lacks_is_little_and_taken_from_the_code() -> None:
    said = linter_messages.from_corpus()

    templates = list(linter_messages.from_code())

    assert len(templates) > 130
    assert {rule for rule, _ in templates} - said.keys() <= {
        "bpmn-check-failed", "bpmn-id-vanished", "bpmn-kind-changed",
    }  # fmt: skip


def test_the_guide_points_to_it() -> None:
    assert "(linter-messages.md)" in GUIDE.read_text(encoding="utf-8")

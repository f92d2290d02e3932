"""`suggest` in forms: an adviser there is, on a field it can speak of, where there is a case to speak of."""

import pytest

from app.processes.check import check_folder
from tests.processes.conftest import Change

CATEGORY = (
    "process.yaml",
    "  appeal:",
    "  kind: {type: category, table: city_12345, label: 分类}\n  appeal:",
)


@pytest.mark.parametrize(
    ("form", "old", "new", "rule", "says"),
    [
        ("dispatch", "{name: appeal}", "{name: appeal}\n  - {name: kind, suggest: clasify}", "adviser-unknown", "是不是 classify？"),
        ("dispatch", "{name: appeal}", "{name: appeal}\n  - {name: kind, suggest: oracle}", "adviser-unknown", "现在有：classify（按标题"),
        ("dispatch", "{name: level}", "{name: level, suggest: classify}", "adviser-type", "“level”是 choice"),
        ("filing", "{name: appeal}", "{name: appeal}\n  - {name: kind, suggest: classify}", "adviser-misplaced", "登记表里不能写"),
    ],
)  # fmt: skip
def test_a_suggestion_that_cannot_be_is_one_finding(
    copied: Change, form: str, old: str, new: str, rule: str, says: str
) -> None:
    copied(*CATEGORY)
    folder = copied(f"forms/{form}.yaml", old, new)

    findings = check_folder(folder).findings

    (error,) = [each for each in findings if each.level == "error"]
    assert (error.rule, error.file, says in error.zh) == (rule, f"forms/{form}.yaml", True), error.zh
    assert error.line is not None


def test_a_category_may_be_suggested(copied: Change) -> None:
    copied(*CATEGORY)
    folder = copied(
        "forms/dispatch.yaml", "{name: appeal}", "{name: appeal}\n  - {name: kind, suggest: classify}"
    )

    assert [each.zh for each in check_folder(folder).findings] == []

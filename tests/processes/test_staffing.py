"""A step whose role may not finish it is refused, by the organisation file and by the roles as they are now."""

from pathlib import Path

import pytest
from sqlalchemy import delete

from app.core import db
from app.identity.models import role_permissions
from app.processes.check import check_folder
from app.processes.publish import ProcessRefused, publish_folder
from tests.processes.conftest import Change


def lacking(folder: Path, role: str, permission: str) -> Path:
    """The organisation beside a folder, with a role that lost a permission."""
    path = folder.parent / "_org.yaml"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if line.strip().startswith(f"{role}:"))
    assert permission in lines[at]
    lines[at] = lines[at].replace(f"{permission}, ", "", 1)
    path.write_text("".join(lines), "utf-8")
    return folder


def told(folder: Path) -> list[tuple[str, str, str]]:
    return [(each.rule, each.file, each.zh) for each in check_folder(folder).findings]


def test_a_lane_whose_role_cannot_complete_is_told_once_with_who_could(copied: Change):
    ((rule, file, zh),) = told(lacking(copied(), "handler", "task:complete"))

    assert (rule, file) == ("role-cannot-complete", "process.yaml")
    assert zh.startswith(
        "第 8 行：泳道“承办单位”的规则 unit(main_unit) 找的是 handler（承办人），这个角色没有权限“办理待办”"
    )
    assert "改用有权限的角色：dispatcher（派遣员）" in zh


def test_a_candidate_rule_is_told_at_its_step(copied: Change):
    folder = copied("process.bpmn", '<bpmn:userTask id="archive"',
                    '<bpmn:userTask id="archive" camunda:candidateGroups="role(leader)@district"')  # fmt: skip

    ((rule, file, zh),) = [each for each in told(folder) if each[0] != "scenario"]

    assert (rule, file) == ("role-cannot-complete", "process.bpmn")
    assert zh.startswith("任务“归档”(archive) 的候选规则 role(leader)@district 找的是 leader（区领导）")


def test_a_role_that_cannot_file_is_told_at_starts(copied: Change):
    ((rule, _, zh),) = told(lacking(copied(), "dispatcher", "case:create"))

    assert rule == "role-cannot-start"
    assert "person:dispatcher（派遣员）没有权限“登记办件”(case:create)" in zh


@pytest.mark.usefixtures("district")
def test_what_counts_at_publish_is_the_role_as_it_is_now(copied: Change):
    with db.transaction() as session:
        session.execute(
            delete(role_permissions).where(
                role_permissions.c.role == "reviewer", role_permissions.c.permission == "task:complete"
            )
        )

    with pytest.raises(ProcessRefused) as refused:
        publish_folder(copied())

    assert [error.code for error in refused.value.errors] == ["role-cannot-complete"]

"""Publishing: versions never change, running cases keep theirs, two publishers do not collide."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from app import bundles
from app.bundles import store
from app.cases import filing
from app.cases.commands import NewCase
from app.core import db, dialects
from app.identity import login, org
from app.processes.check import check_folder
from app.processes.publish import ProcessRefused, TemplateNotForUse, publish, publish_folder, shipped
from tests.processes.conftest import BPMN, Change

pytestmark = pytest.mark.usefixtures("district")


def actor(name: str):
    with db.reading() as session:
        person = org.person_by_login(session, name)
        assert person is not None
        return login.actor_by_id(session, person.id)


def latest() -> str | None:
    with db.reading() as session:
        return bundles.latest(session, "work_order_12345")


def test_the_same_bytes_again_change_nothing(copied: Change):
    first, again = publish_folder(copied()), publish_folder(copied())

    assert (first.changed, again.changed) == (True, False)
    assert first.version.id == again.version.id == latest()
    assert first.version.number == 1


def test_readme_and_scenarios_are_outside_a_version(copied: Change):
    first = publish_folder(copied())
    (copied() / "README.md").write_text("# 另一个说明\n", "utf-8")
    copied("scenarios/on_time.yaml", "按时办结", "按时办结了")

    assert publish_folder(copied()).version.id == first.version.id


def test_a_running_case_keeps_the_version_it_started_with(copied: Change):
    old = publish_folder(copied()).version
    case = filing.file_case(
        actor("paiqian1"), NewCase("work_order_12345", "路灯不亮", {"content": "不亮", "level": "一般"})
    ).case
    new = publish_folder(copied("sla.yaml", "limit: P7D", "limit: P5D")).version

    assert (new.number, latest()) == (2, new.id)
    assert case["version_id"] == old.id
    assert bundles.get(old.id).sla.clocks["total"].limit == "P7D"
    assert bundles.get(new.id).sla.clocks["total"].limit == "P5D"


def test_going_back_to_older_bytes_adds_no_version(copied: Change):
    old = publish_folder(copied()).version
    publish_folder(copied("sla.yaml", "limit: P7D", "limit: P5D"))

    back = publish_folder(copied("sla.yaml", "limit: P5D", "limit: P7D"))

    assert (back.changed, back.version.id, latest()) == (True, old.id, old.id)
    with db.reading() as session:
        assert [row.number for row in store.versions(session, "work_order_12345")] == [2, 1]


@pytest.mark.parametrize(
    ("step", "says"),
    [("archive", "现在没有在办件停在该环节"), ("dispatch", "有 2 件在办件停在该环节")],
)
def test_a_step_that_vanishes_is_warned_of_with_the_cases_that_stand_there(
    copied: Change, step: str, says: str
):
    publish_folder(copied())
    for title in ("路灯不亮", "井盖丢失"):
        new = NewCase("work_order_12345", title, {"content": title, "level": "一般"})
        filing.file_case(actor("paiqian1"), new)
    for file in (copied() / "scenarios").iterdir():
        file.unlink()
    folder = copied()
    text = (folder / "process.bpmn").read_text("utf-8")
    text = re.sub(rf'((?:id|Ref)="|flowNodeRef>){step}\b', r"\1renamed", text)
    (folder / "process.bpmn").write_text(text, "utf-8")

    deployed = publish_folder(folder)

    (told,) = deployed.warnings
    assert told.rule == "bpmn-id-vanished"
    assert says in told.zh
    assert deployed.version.number == 2


@pytest.mark.parametrize("first", [True, False])
def test_two_publishers_at_once_never_share_a_number(copied: Change, first: bool):
    if not first:
        publish_folder(copied())
    files = [
        check_folder(copied("sla.yaml", f"limit: P{days}D", f"limit: P{days + 1}D")).files
        for days in (7, 8, 9)
    ]
    me = actor("liucheng1")

    def deploy(each):
        try:
            return publish(me, each).version.number
        except store.DeployConflict:
            return None
        except DBAPIError as error:  # waited longer than a statement may
            return None if dialects.is_busy(error) else error

    with ThreadPoolExecutor(3) as pool:
        numbers = [number for number in pool.map(deploy, files) if number is not None]

    assert all(isinstance(number, int) for number in numbers), numbers
    assert numbers
    assert len(set(numbers)) == len(numbers)
    assert latest() in {each.version for each in files}
    with db.reading() as session:
        kept = [row.number for row in store.versions(session, "work_order_12345")]
    assert kept == list(range(len(kept), 0, -1))


def test_a_publisher_who_looked_at_an_older_version_is_told(copied: Change):
    seen = publish_folder(copied()).version.id
    publish_folder(copied("sla.yaml", "limit: P7D", "limit: P5D"))
    files = check_folder(copied("sla.yaml", "limit: P5D", "limit: P3D")).files

    with pytest.raises(store.DeployConflict) as caught:
        publish(actor("liucheng1"), files, replaces=seen)

    assert caught.value.slug == "deploy-conflict"
    assert latest() != files.version


def test_a_folder_with_errors_is_not_published_and_every_error_is_told(copied: Change):
    copied("sla.yaml", "limit: P7D", "limit: P5XD")

    with pytest.raises(ProcessRefused) as caught:
        publish_folder(copied("process.yaml", "facts:", "fakts:"))

    assert {error.code for error in caught.value.errors} >= {"duration-invalid", "key-unknown"}
    assert latest() is None


def test_a_template_cannot_be_published():
    with pytest.raises(TemplateNotForUse):
        publish_folder(BPMN / "_template")

    assert "_template" not in [folder.name for folder in shipped(BPMN)]


def test_only_holders_of_the_permission_publish(copied: Change):
    from app.core.errors import Forbidden

    with pytest.raises(Forbidden):
        publish(actor("paiqian1"), check_folder(copied()).files)

    assert (
        publish(actor("liucheng1"), check_folder(copied()).files).version.published_by
        == actor("liucheng1").id
    )


def test_a_stored_version_whose_bytes_were_changed_is_not_used(copied: Change, tmp_path: Path):
    version = publish_folder(copied()).version
    other = check_folder(copied("sla.yaml", "limit: P7D", "limit: P5D")).files
    with db.transaction() as session:
        session.execute(store.process_versions.update().values(blob=other.pack()))
    bundles.install()

    with pytest.raises(store.VersionUnusable):
        bundles.get(version.id)


def test_a_version_nobody_published_is_not_found():
    with pytest.raises(store.VersionMissing):
        bundles.get("0" * 64)

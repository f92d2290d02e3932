"""12345 as it is shipped: what the customer asked of it, each shown by the scenario that would break without it."""

import pytest

from app.bundles.bundle import compile_bundle
from app.engine.xml import read
from app.processes.check import check_folder
from app.processes.publish import publish_folder
from tests import world
from tests.processes.conftest import BPMN
from tests.processes.test_scenarios import walked

ORDER = BPMN / "work_order_12345"


def story(name: str) -> str:
    """The whole story of one scenario, which must have gone as written."""
    publish_folder(BPMN / "side_assist")
    (told,), _ = walked(ORDER, name)
    assert told.failed is None, told.failed
    return "\n".join(told.lines)


@pytest.mark.usefixtures("district")
@pytest.mark.requirement("SJS-004")
def test_a_dispatcher_changes_the_proposed_class_and_the_proposal_is_kept():
    assert "办理“派遣” → 派遣" in story("suggested")


@pytest.mark.usefixtures("district")
@pytest.mark.requirement("SJS-039")
def test_one_order_goes_from_intake_to_the_archive_with_an_opinion_of_the_dispatcher_s_own():
    assert "归档" in story("on_time")


@pytest.mark.usefixtures("district")
@pytest.mark.requirement("SJS-019")
def test_a_unit_whose_return_was_refused_is_told_that_it_may_not_return_the_order_again():
    assert "想退单“签收”，被拒绝" in story("not_repeatable")


@pytest.mark.usefixtures("district")
@pytest.mark.requirement("SJS-020")
def test_a_unit_whose_return_was_granted_cannot_be_chosen_when_the_order_is_dispatched_again():
    assert "想办理“派遣”，被拒绝" in story("return_granted")


@pytest.mark.usefixtures("district")
@pytest.mark.requirement("SJS-021")
def test_a_reviewer_is_told_that_evidence_lacks_and_closes_only_knowingly():
    assert "想办理“结案审核”，被拒绝" in story("attachments")


@pytest.mark.usefixtures("district")
@pytest.mark.requirement("SJS-025")
def test_a_lead_unit_and_assisting_units_handle_one_order_together():
    assert story("assisted").count("办理“协办”") == 2


@pytest.mark.usefixtures("district")
@pytest.mark.parametrize(
    "name", ["arbitrated", "city_redone", "whistled", "handed_down", "declined", "city_no_callback"]
)
def test_its_harder_turns_go_as_written(name: str):
    assert story(name)


def test_everybody_whom_an_order_passes_has_a_lane():
    bundle, _ = compile_bundle(world.shipped(ORDER.name))
    root = read((ORDER / "process.bpmn").read_bytes())
    drawn = [each.get("name") for each in root.iter("{*}lane")]

    assert bundle is not None
    assert drawn == ["市12345", "区分中心", "承办部门/街道", "承办单位"]
    assert list(bundle.process.lanes) == drawn


def test_the_check_says_nothing_about_it():
    assert list(check_folder(ORDER).findings) == []

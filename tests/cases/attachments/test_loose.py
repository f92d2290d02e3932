"""随手拍: files are brought before there is a case, and become its attachments when the filing names them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest

from app.audit.chain import case_chain
from app.cases.attachments import loose, service
from app.cases.attachments.models import attachments, loose_files
from app.cases.attachments.schemas import LooseOut
from app.cases.models import cases
from app.core import db
from tests import world as worlds
from tests.cases.test_shapes import misfits
from tests.engine.drawing import Drawing
from tests.files import bring
from tests.world import Row, World, by_role

DATA = "photos: {type: files, label: 照片, max: 3, kinds: [image]}, note: {type: text, label: 说明}"
FORM = "title: 随手拍\nfields:\n  - {name: photos, required: true}\n  - {name: note}\n"


@pytest.fixture
def world(database: db.Database) -> World:
    """随手拍: a photo is asked for at the start."""
    drawing = Drawing("snapshot").start(attributes='camunda:formKey="snap"').end()
    drawing.task("accept", by_role()).line("start", "accept", "end")
    return worlds.build(database, worlds.bundle_of("snapshot", drawing, data=DATA, forms={"snap": FORM}))


def lying(shelf: Path) -> list[Path]:
    return [path for path in shelf.rglob("*") if path.is_file()]


def file_it(world: World, photos: object, by: str = "paiqian1", **about: object) -> Row:
    body = {
        "process": "snapshot",
        "title": "井盖",
        "placeUnit": "d1-s1-c2",
        "answers": {"photos": photos},
        **about,
    }
    answer = world.post(by, "/cases", body)
    return {"status": answer.status_code, **answer.json}


def test_a_photo_is_brought_first_and_becomes_the_cases_when_it_is_filed(world: World, shelf: Path) -> None:
    brought = bring(world, "paiqian1")
    told = brought.json
    assert (brought.status_code, misfits(LooseOut(), told)) == (201, [])

    filed = file_it(world, [told["id"]])

    assert filed["status"] == 201, filed
    case_id = filed["case"]["id"]
    assert world.case(case_id)["data"] == {"photos": [told["id"]]}
    (listed,) = world.get("guancha1", f"/cases/{case_id}/attachments").json["items"]
    assert (listed["id"], listed["sm3"], listed["step"]) == (told["id"], told["sm3"], None)
    assert world.get("guancha1", f"/attachments/{told['id']}").status_code == 200
    assert world.rows(loose_files) == []
    row = world.rows(case_chain, case_id=case_id)[0]
    assert [event["name"] for event in orjson.loads(row["events"])][:2] == ["case.received", "file.attached"]
    timeline = world.get("paiqian1", f"/cases/{case_id}/timeline").json["items"][0]["events"]
    assert timeline[1]["text"].startswith("上传附件“现场.jpg”（图片")


def test_a_filing_without_its_photo_is_refused(world: World, shelf: Path) -> None:
    told = file_it(world, [])

    assert (told["status"], told["errors"][0]["code"]) == (422, "required")
    assert world.rows(cases) == []


@pytest.mark.parametrize("which", ["another's", "used", "stale", "pdf", "of a case", "nothing"])
def test_a_filing_names_only_ones_own_loose_files(world: World, shelf: Path, which: str) -> None:
    mine = bring(world, "paiqian1").json["id"]
    if which == "another's":
        named = bring(world, "paiqian2").json["id"]
    elif which in ("used", "of a case"):
        named = mine
        assert file_it(world, [mine])["status"] == 201
    elif which == "stale":
        named = mine
        world.wait(hours=25)
    elif which == "pdf":
        named = bring(world, "paiqian1", "pdf", "a.pdf").json["id"]
    else:
        named = worlds.new_id()
    before = len(world.rows(cases))

    told = file_it(world, [named])

    assert (told["status"], told["errors"][0]["pointer"]) == (422, "/answers/photos")
    assert len(world.rows(cases)) == before


def test_of_two_filings_at_once_one_gets_the_file(world: World, shelf: Path) -> None:
    photo = bring(world, "paiqian1").json["id"]
    world.token("paiqian1")
    assert world.app

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda _: file_it(world, [photo])["status"], range(2)))

    assert sorted(told) == [201, 422]
    assert len(world.rows(attachments)) == len(lying(shelf)) == 1


def test_a_refused_filing_leaves_the_file_loose(world: World, shelf: Path) -> None:
    photo = bring(world, "paiqian1").json["id"]

    refused = file_it(world, [photo], placeUnit="no-such-unit")
    good = file_it(world, [photo])

    assert (refused["status"], good["status"]) == (422, 201)


def test_who_cannot_file_brings_nothing_and_a_bad_file_is_bad_here_too(world: World, shelf: Path) -> None:
    forbidden = bring(world, "guancha1")
    bad = bring(world, "paiqian1", "exe", "a.jpg")

    assert (forbidden.status_code, forbidden.json["permission"]) == (403, "case:attach")
    assert (bad.status_code, bad.json["type"]) == (422, "/problems/file-content-mismatch")
    assert lying(shelf) == []


def test_a_retry_brings_one_file_and_what_nobody_names_is_gone_after_a_day(
    world: World, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, again = (bring(world, "paiqian1", key="same") for _ in range(2))
    assert first.data == again.data
    assert len(world.rows(loose_files)) == len(lying(shelf)) == 1
    assert service.sweep() == 0

    monkeypatch.setattr(service, "ORPHAN_HOURS", -1)  # as if it lay here for long
    assert service.sweep() == 0  # its row keeps it
    world.wait(hours=25)
    assert service.sweep() == 1

    assert (world.rows(loose_files), lying(shelf)) == ([], [])


def test_nobody_hoards_loose_files(world: World, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loose, "MOST", 2)

    told = [bring(world, "paiqian1").status_code for _ in range(3)]
    other = bring(world, "paiqian2").status_code
    world.wait(hours=25)

    assert (told, other) == ([201, 201, 409], 201)
    assert bring(world, "paiqian1").status_code == 201
    assert len(lying(shelf)) == 4

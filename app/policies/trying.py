"""The policy that is tried: a whole folder, or only the files that are others than in the one in force."""

from collections.abc import Sequence

from app.bundles import Bundle, store
from app.bundles.files import PROCESS, BundleFiles
from app.core.db import reading
from app.core.errors import FieldError, NotFound, Unprocessable
from app.engine.check.finding import Finding
from app.processes.callees import among_published
from app.processes.check import check_files
from app.processes.publish import earlier, known_org, known_roles, refused


class ProcessDiffers(Unprocessable):
    """这不是同一个流程的文件。"""


def tried(key: str, given: BundleFiles, before: Sequence[Finding] = ()) -> Bundle:
    """The version as it would be, checked like one that is to be published; nothing is kept.

    Files without process.yaml lie over those of the published version. Raises NotFound for a process that was
    never published, ProcessDiffers, ProcessRefused.
    """
    if given.key != key:
        says = f"文件是流程“{given.key}”的，要回测的是“{key}”。"
        raise ProcessDiffers(errors=[FieldError("/key", "value-invalid", says)])
    with reading() as session:
        head = store.head(session, key)
        if head is None:
            raise NotFound
        published = store.version(session, head.version_id).files
    whole = PROCESS in given.files
    files = given if whole else BundleFiles(key, {**published.files, **given.files})
    found = [each for each in before if whole or each.rule != "file-missing"]
    checked = check_files(files, known_org(), found, earlier(key), known_roles(), among_published())
    if checked.bundle is None or not checked.good:
        raise refused(checked.findings)
    return checked.bundle

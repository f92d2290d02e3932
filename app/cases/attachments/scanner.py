"""病毒检查: every file passes here before it is kept; a site's own scanner is a command of its choice."""

import logging
import shlex
import subprocess
from pathlib import Path
from typing import Protocol

from app.cases.attachments.errors import FileInfected, ScannerUnavailable
from app.core.config import settings

log = logging.getLogger("huying.scanner")

SECONDS = 60
# The industry's harmless test file, in two parts, so that no scanner takes this source for it.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
_PIECE = 1 << 20


class Scanner(Protocol):
    """Looks at a file on disk. True when it found something; raises ScannerUnavailable."""

    def __call__(self, path: Path) -> bool: ...


def check(path: Path) -> None:
    """Raises FileInfected when one of the scanners finds something."""
    scanners: list[Scanner] = [holds_the_test_virus]
    if settings().scanner:
        scanners.append(asked_of_the_site)
    if any(found(path) for found in scanners):
        raise FileInfected


def holds_the_test_virus(path: Path) -> bool:
    """Whether the EICAR test string stands anywhere in the file."""
    with path.open("rb") as file:
        tail = b""
        while piece := file.read(_PIECE):
            if EICAR in tail + piece:
                return True
            tail = piece[-len(EICAR) :]
    return False


def asked_of_the_site(path: Path) -> bool:
    """Runs HUYING_SCANNER with the path at its end: 0 is clean, 1 is found, anything else is no answer."""
    command = [*shlex.split(settings().scanner or ""), str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.error("the scanner did not answer: %s", type(error).__name__)
        raise ScannerUnavailable(headers={"Retry-After": "60"}) from None
    if done.returncode in (0, 1):
        return done.returncode == 1
    log.error("the scanner ended with %s", done.returncode)
    raise ScannerUnavailable(headers={"Retry-After": "60"})

"""A database of its own for one command, in which a process folder is published and walked."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from app.core import config, db
from app.core.config import settings


@contextmanager
def staged(folder: Path) -> Iterator[str]:
    """A database of its own in which a checked folder is published; its version."""
    from app.processes.callees import among_published, beside, in_order
    from app.processes.check import check_folder
    from app.processes.publish import publish_folder

    with own_database(folder.parent):
        for called in beside(folder):
            publish_folder(called)
        for side in in_order(folder.parent.glob("side_*")):  # what a case may begin beside itself
            if side != folder and check_folder(side, callees=among_published()).good:
                publish_folder(side)
        yield publish_folder(folder, template=True).version.id


@contextmanager
def own_database(bpmn: Path) -> Iterator[None]:
    """An empty database for one command, with the organisation beside the process."""
    from app import wire
    from app.categories import importing
    from app.cli import db as migrations
    from app.clocks import calendar_import, seed
    from app.crypto import keyring
    from app.identity import org
    from app.identity.actor import SYSTEM
    from app.processes.check import ORG_FILE

    before = settings()
    with tempfile.TemporaryDirectory(prefix="huying-walk-") as folder:
        url = f"sqlite:///{folder}/walk.db"
        keys = Path(folder) / "keyring"
        keyring.make(keys)
        config.use(replace(before, profile="test", database_url=url, redis_url=None, keys=keys))
        own = db.Database(url)
        db.use(own)
        try:
            migrations.import_tables()
            db.metadata.create_all(own.writing)
            wire()
            if (bpmn / ORG_FILE).is_file():
                with db.transaction() as session:
                    for year in seed.beginning(bpmn):
                        calendar_import.import_year(session, SYSTEM, year)
                    org.load_org(session, (bpmn / ORG_FILE).read_bytes(), with_passwords=False)
                    importing.load_folder(session, bpmn)
            yield
        finally:
            db.use(None)
            own.dispose()
            config.use(None)

"""`huying search rebuild` on a database that has cases without words."""

from click.testing import CliRunner

from app.cases.search.index import case_search
from app.cli import main
from app.core import db
from tests.world import World


def test_the_words_of_all_cases_are_written_anew(world: World) -> None:
    for _ in range(3):
        world.file()
    with db.transaction() as session:
        session.execute(case_search.delete())

    done = CliRunner().invoke(
        main, ["search", "rebuild"], catch_exceptions=False, env={"DATABASE_URL": world.database.url}
    )

    assert done.output == "已重建 3 件办件的检索词。\n"
    assert len(world.rows(case_search)) == 3

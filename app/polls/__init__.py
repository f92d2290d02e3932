"""Polls of residents: who may vote, who has, and ballots that no row leads back to anybody."""


def install() -> None:
    """Lets a poll end with its case."""
    from app.core import events
    from app.polls import keeping

    events.listen(keeping.end_with_case)

"""Polls of residents: who may vote, who has, and ballots that no row leads back to anybody."""


def install() -> None:
    """The herald looks for polls of which people are to be told."""
    from app.notices import herald
    from app.polls import telling

    herald.also("polls", telling.look)

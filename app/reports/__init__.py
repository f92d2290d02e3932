"""Statistics: how many cases of which unit and class there were, how they went, and which they are."""


def install() -> None:
    """Keeps the counted row of each case that moves, and brings it along when a unit moves."""
    from app.cases import followers
    from app.identity import org
    from app.reports import following

    followers.follow(following.follow)
    org.when_moving(following.bring_along)

"""What is shown of cases to residents, and what they do with it: likes, comments, stars, seats, bookings."""


def install() -> None:
    """Keeps what is shown in step with the case it is shown of."""
    from app.cases import followers
    from app.publications import following

    followers.follow(following.follow)

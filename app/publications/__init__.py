"""What is shown of cases to residents, and what they do with it: likes, comments, stars, seats, bookings."""


def install() -> None:
    """Keeps what is shown in step with the case it is shown of; measures may count what residents did."""
    from app.cases import followers
    from app.cases.measuring import functions
    from app.publications import following, measuring

    followers.follow(following.follow)
    functions.know(measuring.FUNCTIONS)

"""What is shown of cases to residents, and what they do with it: likes, comments, stars, seats, bookings."""


def install() -> None:
    """Keeps what is shown in step with the case it is shown of; forms may offer it."""
    from app.cases import followers, offers
    from app.publications import following, offering

    followers.follow(following.follow)
    offers.offer(offering.find)

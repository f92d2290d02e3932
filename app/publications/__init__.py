"""What is shown of cases to residents, and what they do with it: likes, comments, stars, seats, bookings."""


def install() -> None:
    """Keeps what is shown in step with its case; forms may offer it, and show what is objected to it."""
    from app.cases import followers, offers, prompts
    from app.publications import following, offering, prompting

    followers.follow(following.follow)
    offers.offer(offering.find)
    prompts.hint(prompting.objections)

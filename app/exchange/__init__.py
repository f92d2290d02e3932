"""Exchange: how cases talk with other systems: messages in, an outbox out, a connector for each language."""


def install() -> None:
    """Listens to what cases send and await, and tells /readyz what waits. Raises SettingRefused."""
    from app.cases import followers
    from app.core import events
    from app.core.http import health
    from app.exchange import deliveries, delivering, endpoints, gateways, house, outbox, parking, received
    from app.identity import org
    from app.notices import channels

    endpoints.configured()  # a wrong file is refused at the start, not at the first message
    events.listen(delivering.mark_delivered)
    events.listen(parking.wake_those_meant_for)
    events.listen(parking.follow_merging)
    events.listen(outbox.keep_what_leaves)
    events.listen(received.try_again)
    followers.follow(house.keep_what_is_told)
    events.listen(deliveries.follow_incidents)
    channels.offer(gateways.offered)
    org.when_moving(parking.bring_along)
    health.component("outbox", outbox.standing)

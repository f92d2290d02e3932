"""Waking workers: a job carries ids and nothing else, and can name no function but ours."""

import logging
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import BaseTimeoutException

from app.core import ids
from app.core.config import settings

log = logging.getLogger("huying.wake")

QUEUE = "huying"
JOB_SHARE = 0.9
"""Of the lease: a job is ended before others may take over what it holds."""
BATCH = 50
"""Ids in one hint: a job per timer cannot keep up, a bigger one outlives its lease."""

JobTimedOut = BaseTimeoutException
"""The job's time is over; RQ raises it out of whatever runs."""

_handlers: list[Callable[[Sequence[str]], None]] = []


class ForeignJob(RuntimeError):
    """A job that we did not write: whoever can write Redis must not thereby run code."""


def on_hint(handler: Callable[[Sequence[str]], None]) -> None:
    """Chooses what a hint wakes (worker.py: the firing of claimed timers)."""
    _handlers[:] = [handler]


def hint(timer_ids: list[str]) -> None:
    """What an RQ worker runs, whatever the stored job says."""
    for handler in _handlers:
        handler(timer_ids)


class HintJob(Job):
    """A job that answers one fixed function: with the JSON serializer alone, a job naming os.system ran."""

    @property
    def func(self) -> Any:
        if self.func_name != _NAME:
            log.error("a foreign job was refused")
            raise ForeignJob
        return hint

    @property
    def success_callback(self) -> Any:
        return None

    @property
    def failure_callback(self) -> Any:
        return None

    @property
    def stopped_callback(self) -> Any:
        return None


_NAME = f"{hint.__module__}.{hint.__qualname__}"


def connection(url: str) -> Redis:
    """A connection that gives up soon: work waits for the database, never for Redis."""
    return Redis.from_url(url, socket_timeout=2, socket_connect_timeout=1)


def queue(redis: Redis) -> Queue:
    return Queue(QUEUE, connection=redis, serializer=JSONSerializer, job_class=HintJob)


@cache
def _queue(url: str) -> Queue:
    return queue(connection(url))


def wake(timer_ids: Sequence[str], *, alone: bool = False) -> bool:
    """Hints at claimed timers, ≤ 50 a job (`alone`: one a job); False when Redis is away or not set."""
    url = settings().redis_url
    if url is None:
        return False
    size = 1 if alone else BATCH
    try:
        for start in range(0, len(timer_ids), size):
            _queue(url).enqueue_call(
                _NAME,
                args=(list(timer_ids[start : start + size]),),
                timeout=int(settings().lease_seconds * JOB_SHARE),
                result_ttl=0,
                failure_ttl=60,
                job_id=ids.new_id(),
            )
    except (RedisError, OSError):
        log.warning("Redis is away; the ticker does the work itself")
        return False
    return True

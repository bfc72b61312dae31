"""What a server that starts reads of the one before: a slow Redis is asked again, a missing one is not."""

from __future__ import annotations

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from acd.store import StoreError
from cti.takeover import TRIES, insisting

pytestmark = pytest.mark.asyncio


class Shelf:
    """Has the talks; the first readings end with these errors."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.asked = 0

    async def load(self) -> list[str]:
        self.asked += 1
        if self._errors:
            raise self._errors.pop(0)
        return ["talk"]


def too_slow() -> StoreError:
    error = StoreError("live state cannot be read: TimeoutError")
    error.__cause__ = TimeoutError()
    return error


@pytest.mark.parametrize("error", [TimeoutError(), too_slow()])
async def test_talks_are_found_though_redis_was_slow_at_first(error: Exception) -> None:
    assert await insisting(Shelf(error).load) == ["talk"]


async def test_a_redis_that_stays_slow_is_waited_for_so_often_only() -> None:
    shelf = Shelf(*(TimeoutError() for _ in range(TRIES)))
    with pytest.raises(TimeoutError):
        await insisting(shelf.load)
    assert shelf.asked == TRIES


@pytest.mark.parametrize("error", [RedisConnectionError("refused"), StoreError("a record is damaged")])
async def test_a_redis_that_is_not_there_is_not_asked_again(error: RedisError | StoreError) -> None:
    shelf = Shelf(error)
    with pytest.raises(type(error)):
        await insisting(shelf.load)
    assert shelf.asked == 1

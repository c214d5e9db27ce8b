"""Pages ask the withdrawal orders: how often the log is read, and never by two at once."""

import asyncio
import threading
import time

import pytest

from producers.withdrawn import WithdrawalCheck
from schemas.withdrawals import WithdrawalOrder, WithdrawalOrders, WithdrawalsUnavailable
from tests.producers.samples import NOON, pending
from tests.producers.site import until


class Log:
    """Orders for the articles that are asked for; slow, and it minds being read by two at once."""

    def __init__(self) -> None:
        self.orders, self.reads, self.closed = WithdrawalOrders(), 0, False
        self.failure: Exception | None = None
        self.go_on = threading.Event()
        self.go_on.set()
        self._reading = threading.Lock()

    def withdraw(self, number: int) -> WithdrawalOrder:
        order = WithdrawalOrder(scope="article", target=pending(number).entry.id, requested_at=NOON)
        self.orders.load(f"article:{order.target}", order)
        return order

    def read_to_end(self) -> WithdrawalOrders:
        assert self._reading.acquire(blocking=False), "read by two at once"
        try:
            self.reads += 1
            assert self.go_on.wait(20)
            time.sleep(0.01)
            if self.failure is not None:
                raise self.failure
            return self.orders
        finally:
            self._reading.release()

    def close(self) -> None:
        self.closed = True


async def test_all_who_wait_are_answered_by_one_reading_that_began_after_they_asked() -> None:
    log = Log()
    check = WithdrawalCheck(log)
    log.go_on.clear()
    first = asyncio.create_task(check.order_for(pending(0)))
    await until(lambda: log.reads == 1)
    later = [asyncio.create_task(check.order_for(pending(number))) for number in range(50)]
    await asyncio.sleep(0)
    order = log.withdraw(7)
    log.go_on.set()
    assert await first is None
    assert [await one for one in later] == [order if number == 7 else None for number in range(50)]
    assert log.reads == 2


async def test_what_was_known_a_moment_ago_is_enough_for_those_who_say_so() -> None:
    log = Log()
    check = WithdrawalCheck(log)
    for _ in range(3):
        assert await check.order_for(pending(1), max_age_seconds=60) is None
    order = log.withdraw(1)
    assert log.reads == 1
    assert await check.order_for(pending(1)) == order
    assert log.reads == 2


async def test_whoever_gives_up_waiting_disturbs_nobody() -> None:
    log = Log()
    check = WithdrawalCheck(log)
    log.go_on.clear()
    impatient, patient = (asyncio.create_task(check.order_for(pending(number))) for number in (1, 2))
    await until(lambda: log.reads == 1)
    impatient.cancel()
    third = asyncio.create_task(check.order_for(pending(3)))
    await asyncio.sleep(0)
    log.go_on.set()
    assert (await patient, await third) == (None, None)


async def test_while_the_orders_cannot_be_read_everybody_waits() -> None:
    log = Log()
    check = WithdrawalCheck(log)
    log.failure = WithdrawalsUnavailable("no broker")
    waiting = asyncio.create_task(check.order_for(pending(1)))
    await until(lambda: not check.is_available())
    assert not waiting.done()
    log.failure = None
    assert await waiting is None
    assert check.is_available()


async def test_it_comes_back_by_itself_when_nobody_waits_any_more() -> None:
    log = Log()
    check = WithdrawalCheck(log)
    log.failure = WithdrawalsUnavailable("no broker")
    waiting = asyncio.create_task(check.order_for(pending(1)))
    await until(lambda: not check.is_available())
    waiting.cancel()
    log.failure = None
    await until(check.is_available)


async def test_a_bug_reaches_whoever_asked() -> None:
    log = Log()
    check = WithdrawalCheck(log)
    log.failure = ZeroDivisionError("bug")
    with pytest.raises(ZeroDivisionError):
        await check.order_for(pending(1))
    log.failure = None
    assert await check.order_for(pending(1)) is None


async def test_closed_while_the_log_is_read_it_waits_for_that_and_reads_no_more() -> None:
    log = Log()
    check = WithdrawalCheck(log)
    log.go_on.clear()
    log.failure = WithdrawalsUnavailable("no broker")
    waiting = asyncio.create_task(check.order_for(pending(1)))
    await until(lambda: log.reads == 1)
    closing = asyncio.create_task(check.close())
    await asyncio.sleep(0.05)
    assert not closing.done()
    log.go_on.set()
    await closing
    waiting.cancel()
    assert log.reads == 1

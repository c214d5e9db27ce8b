"""May this entry be worked on? Asks the withdrawal orders; waits, however long, while they cannot be read.

    pages that ask ─► one reading of the log in a thread ─► answers to all who asked before it began

While they cannot be read the poller is not ready, nothing is published, and whoever waits here is the probe. A page
keeps its record meanwhile.
"""

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from producers.records import PendingPage
from schemas.withdrawals import WithdrawalLog, WithdrawalOrder, WithdrawalOrders, WithdrawalsUnavailable

_log = structlog.get_logger(__name__)

_RETRY_SECONDS: Final = 1.0


class WithdrawalCheck:
    """The orders, for a service in which several pages are worked on at once.

    Args:
        log: blocks for a round trip and takes one call at a time, so it is read in a thread, once for all who wait.
    """

    def __init__(self, log: WithdrawalLog) -> None:
        self._log = log
        self._orders = WithdrawalOrders()
        self._read_at = float("-inf")
        self._available = True
        self._asked: list[tuple[PendingPage, asyncio.Future[WithdrawalOrder | None]]] = []
        self._reader: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def is_available(self) -> bool:
        """False from a failed reading of the orders until one succeeds."""
        return self._available

    async def order_for(self, page: PendingPage, *, max_age_seconds: float = 0.0) -> WithdrawalOrder | None:
        """The order that covers the entry; None if there is none.

        Args:
            page: the entry.
            max_age_seconds: 0: complete up to this call; else what was known so long ago is good enough.
        """
        loop = asyncio.get_running_loop()
        if self._reader is None and loop.time() - self._read_at < max_age_seconds:
            return self._covering(page)
        answer: asyncio.Future[WithdrawalOrder | None] = loop.create_future()
        self._asked.append((page, answer))
        if self._reader is None:
            self._reader = asyncio.create_task(self._read_and_answer())
        return await answer

    async def close(self) -> None:
        """Answer nobody any more; returns when the log is not being read, so that it can be closed."""
        self._closing.set()
        if self._reader is not None:
            await self._reader

    async def _read_and_answer(self) -> None:
        """Read for as long as somebody waits or nobody knows; the orders are not looked at while they are read."""
        try:
            while (self._asked or not self._available) and not self._closing.is_set():
                asked, self._asked = self._asked, []
                began = asyncio.get_running_loop().time()
                try:
                    self._orders = await asyncio.to_thread(self._log.read_to_end)
                except WithdrawalsUnavailable as error:
                    self._asked = asked + self._asked
                    await self._rest(error)
                except Exception as error:  # noqa: BLE001 a bug of ours: whoever asked is told, nobody waits for ever
                    _fail(asked, error)
                    await self._rest(error)
                else:
                    self._read_at = began
                    self._note_return()
                    self._answer(asked)
        finally:
            self._reader = None

    async def _rest(self, error: Exception) -> None:
        if self._available:
            _log.warning("withdrawal orders cannot be read", detail=str(error))
        self._available = False
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), _RETRY_SECONDS)

    def _note_return(self) -> None:
        if not self._available:
            _log.info("withdrawal orders can be read again", orders=len(self._orders))
        self._available = True

    def _answer(self, asked: list[tuple[PendingPage, asyncio.Future[WithdrawalOrder | None]]]) -> None:
        for page, answer in asked:
            if not answer.done():
                answer.set_result(self._covering(page))

    def _covering(self, page: PendingPage) -> WithdrawalOrder | None:
        return self._orders.covering(page.entry.id, page.entry.url, page.publisher.id)


def _fail(asked: list[tuple[PendingPage, asyncio.Future[WithdrawalOrder | None]]], error: Exception) -> None:
    for _, answer in asked:
        if not answer.done():
            answer.set_exception(error)

"""May this entry be worked on? Asks the withdrawal orders; waits, however long, while they cannot be read."""

import asyncio
from typing import Final

import structlog

from producers.records import PendingPage
from schemas.withdrawals import WithdrawalLog, WithdrawalOrder, WithdrawalsUnavailable

_log = structlog.get_logger(__name__)

_RETRY_SECONDS: Final = 1.0


class WithdrawalCheck:
    """The orders, for a service in which several pages are worked on at once.

    Args:
        log: blocks for a round trip, so it is asked in a thread, by one page at a time.
    """

    def __init__(self, log: WithdrawalLog) -> None:
        self._log = log
        self._one_at_a_time = asyncio.Lock()

    async def order_for(self, page: PendingPage) -> WithdrawalOrder | None:
        """The order that covers the entry, complete up to now; None if there is none."""
        entry = page.entry
        while True:
            async with self._one_at_a_time:
                try:
                    orders = await asyncio.to_thread(self._log.read_to_end)
                except WithdrawalsUnavailable as error:
                    _log.warning("withdrawal orders cannot be read", detail=str(error))
                else:
                    return orders.covering(entry.id, entry.url, page.publisher.id)
            await asyncio.sleep(_RETRY_SECONDS)

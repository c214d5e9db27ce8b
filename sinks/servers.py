"""Whether Kafka and Elasticsearch can be used: shown by work that succeeds, and asked for while there is none.

A consumer does not notice that its broker is gone, nor does an idle client of Elasticsearch. Somebody who relies on the
gauge `ready` must know before the next article comes.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog

from schemas.withdrawals import WithdrawalLog, WithdrawalsUnavailable
from sinks.errors import StoreUnavailable
from sinks.store import Store

log = structlog.get_logger(__name__)

_EVERY: Final = timedelta(seconds=2)


class Servers:
    """What is known of both servers. Used by one thread.

    Args:
        store: in Elasticsearch.
        withdrawals: in Kafka; reading them asks the broker for the end of a log.
    """

    def __init__(self, store: Store, withdrawals: WithdrawalLog) -> None:
        self._store = store
        self._withdrawals = withdrawals
        self._heard_at: datetime | None = None
        self.usable = True

    def worked(self, now: datetime) -> None:
        """A batch went through: both servers answered."""
        self._note(None, now)

    def failed(self) -> None:
        """One did not answer: ask again at the next opportunity."""
        self.usable = False
        self._heard_at = None

    def look(self, now: datetime) -> None:
        """Ask both, unless they were heard of just now. Blocks for some seconds if one does not answer."""
        if self._heard_at is not None and self._heard_at <= now < self._heard_at + _EVERY:
            return
        try:
            self._withdrawals.read_to_end()
            self._store.check()
        except (WithdrawalsUnavailable, StoreUnavailable) as error:
            self._note(str(error), now)
        else:
            self._note(None, now)

    def _note(self, problem: str | None, now: datetime) -> None:
        if self.usable is not (problem is None):
            log.info("servers usable" if problem is None else "a server does not answer", error=problem)
        self.usable, self._heard_at = problem is None, now

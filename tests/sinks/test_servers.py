"""Whether both servers can be used: shown by work, asked for now and then while there is none."""

from datetime import timedelta

from sinks.servers import Servers
from tests.sinks.fakes import FailingStore, FailingWithdrawals
from tests.sinks.samples import NOW, names


def later(seconds: float):
    return NOW + timedelta(seconds=seconds)


class Counting(FailingWithdrawals):
    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def read_to_end(self):
        self.asked += 1
        return super().read_to_end()


def test_they_are_asked_every_two_seconds() -> None:
    withdrawals = Counting()
    servers = Servers(FailingStore(names()), withdrawals)
    for seconds in (0, 1, 1.9, 2, 3, 4.5):
        servers.look(later(seconds))
    assert withdrawals.asked == 3


def test_work_is_as_good_as_an_answer() -> None:
    withdrawals = Counting()
    servers = Servers(FailingStore(names()), withdrawals)
    servers.worked(NOW)
    servers.look(later(1.5))
    assert withdrawals.asked == 0


def test_a_clock_that_was_set_back_does_not_keep_them_from_being_asked() -> None:
    withdrawals = Counting()
    servers = Servers(FailingStore(names()), withdrawals)
    servers.worked(NOW)
    servers.look(later(-3600))
    assert withdrawals.asked == 1


def test_a_failure_is_asked_about_at_once() -> None:
    servers = Servers(FailingStore(names()), withdrawals := Counting())
    servers.worked(NOW)
    servers.failed()
    assert not servers.usable
    servers.look(later(0.1))
    assert (servers.usable, withdrawals.asked) == (True, 1)


def test_one_that_is_silent_is_enough() -> None:
    store = FailingStore(names())
    store.silent = 1
    servers = Servers(store, FailingWithdrawals())
    servers.look(NOW)
    assert not servers.usable
    servers.look(later(2))
    assert servers.usable

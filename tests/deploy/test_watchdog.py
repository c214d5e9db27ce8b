"""The watchdog ends what stands still, and nothing else."""

import threading

from deploy.watchdog import EXIT_STUCK, StandstillTimer, watch


class Count:
    def __init__(self, *, growing):
        self._growing = growing
        self._count = 0
        self.looks = threading.Semaphore(0)

    def heartbeats(self):
        self._count += self._growing
        self.looks.release()
        return self._count


def test_standstill_is_measured_from_the_last_growth():
    timer = StandstillTimer(100.0)
    assert [timer.seconds(count, now) for count, now in [(1, 101.0), (1, 104.0), (2, 105.0), (2, 106.5)]] == [
        0.0,
        3.0,
        0.0,
        1.5,
    ]


def test_stuck_process_is_ended_with_its_own_exit_code():
    ended = []
    watch(Count(growing=0), 0.02, end=ended.append).join(20)
    assert ended == [EXIT_STUCK]


def test_process_that_gets_on_is_left_alone():
    ended, count = [], Count(growing=1)
    watch(count, 0.02, end=ended.append)
    assert all(count.looks.acquire(timeout=20) for _ in range(12))
    assert ended == []


def test_time_in_which_the_whole_process_was_stopped_does_not_count():
    ended, count = [], Count(growing=0)
    jumping = iter(range(0, 10_000_000, 1_000))
    watch(count, 500.0, clock=lambda: float(next(jumping)), end=ended.append)
    assert count.looks.acquire(timeout=20)
    assert ended == []

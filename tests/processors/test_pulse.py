"""When a worker counts as getting on."""

import pytest

from processors.pulse import Progress, moves

IDLE = Progress(end=10, position=10, read=9, committed=9)


@pytest.mark.parametrize(
    ("progress", "waits"),
    [
        pytest.param(IDLE, False, id="all done, a transaction marker at the end"),
        pytest.param(Progress(0, 0, None, None), False, id="nothing came yet"),
        pytest.param(Progress(10, 10, None, 10), False, id="all done before this worker started"),
        pytest.param(Progress(10, 4, 4, 4), True, id="not fetched"),
        pytest.param(Progress(10, 10, 10, 4), True, id="not committed"),
        pytest.param(Progress(10, 10, 10, None), True, id="never committed"),
    ],
)
def test_waits(progress, waits):
    assert progress.waits is waits


@pytest.mark.parametrize(
    ("before", "now", "moving"),
    [
        pytest.param(None, {0: Progress(10, 4, 4, 4)}, True, id="first look"),
        pytest.param({0: Progress(10, 4, 4, 4)}, {0: Progress(10, 4, 4, 4)}, False, id="stuck"),
        pytest.param({0: Progress(10, 4, 4, 4)}, {0: Progress(20, 9, 9, 4)}, False, id="reads, commits nothing"),
        pytest.param({0: Progress(10, 4, 4, 4)}, {0: Progress(10, 4, 4, 5)}, True, id="commits"),
        pytest.param({0: IDLE}, {0: IDLE}, True, id="idle"),
        pytest.param({0: IDLE, 1: Progress(9, 1, 1, 1)}, {0: IDLE, 1: Progress(9, 1, 1, 1)}, False, id="one is stuck"),
        pytest.param({}, {0: Progress(9, 1, 1, 1)}, True, id="just assigned"),
        pytest.param({}, {}, True, id="nothing assigned"),
    ],
)
def test_moves(before, now, moving):
    assert moves(before, now) is moving

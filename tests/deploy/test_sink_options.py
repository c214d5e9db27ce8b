"""What the sink is told by the settings."""

from deploy.settings import Settings
from deploy.sink_options import indexer_options


def test_limits_and_time_limits_reach_the_sink() -> None:
    settings = Settings(dead_letter_limit=7, probe_seconds=3.5, session_timeout_seconds=4, refresh_interval_seconds=0.5)
    options = indexer_options(settings)
    assert (options.dead_letter_limit, options.probe_seconds) == (7, 3.5)
    assert (options.session_timeout_seconds, options.refresh_interval) == (4, "500ms")

from datetime import timedelta

import pytest

from producers.errors import AddressRefused, FetchFailed, TooLarge
from producers.robots import Robots, RobotsAnswer
from tests.producers.samples import NOON

PAGE = "https://www.lecanal.example/dossiers/a.html"
RULES = b"User-agent: *\nDisallow: /dossiers/\nAllow: /dossiers/ouvert$\n\nUser-agent: kiosque\nDisallow: /prive/\n"


class Host:
    def __init__(self, answer: RobotsAnswer | Exception) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def __call__(self, address: str) -> RobotsAnswer:
        self.asked.append(address)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_our_own_group_goes_before_the_one_for_all() -> None:
    robots = Robots(Host(RobotsAnswer(200, RULES)))
    assert await robots.verdict(PAGE, NOON) == "allowed"
    assert await robots.verdict("https://www.lecanal.example/prive/a", NOON) == "disallowed"


async def test_the_longest_rule_wins() -> None:
    robots = Robots(Host(RobotsAnswer(200, RULES.split(b"\n\n", maxsplit=1)[0])))
    assert await robots.verdict(PAGE, NOON) == "disallowed"
    assert await robots.verdict("https://www.lecanal.example/dossiers/ouvert", NOON) == "allowed"


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (RobotsAnswer(404), "allowed"),
        (RobotsAnswer(403), "allowed"),
        (RobotsAnswer(500), "unknown"),
        (RobotsAnswer(200, b"\xff\xfe junk"), "allowed"),
        (FetchFailed("timeout", ""), "unknown"),
        (TooLarge(""), "allowed"),
    ],
    ids=str,
)
async def test_what_a_missing_or_broken_file_means(answer: RobotsAnswer | Exception, verdict: str) -> None:
    assert await Robots(Host(answer)).verdict(PAGE, NOON) == verdict


async def test_a_host_is_asked_once_a_day() -> None:
    host = Host(RobotsAnswer(200, RULES))
    robots = Robots(host)
    for hours in (0, 1, 23, 25):
        await robots.verdict(PAGE, NOON + timedelta(hours=hours))
    assert host.asked == ["https://www.lecanal.example/robots.txt"] * 2


async def test_a_failing_host_is_asked_again_after_an_hour() -> None:
    host = Host(RobotsAnswer(503))
    robots = Robots(host)
    for minutes in (0, 30, 61):
        await robots.verdict(PAGE, NOON + timedelta(minutes=minutes))
    assert len(host.asked) == 2


async def test_after_a_clock_was_set_back_a_host_is_asked_again() -> None:
    host = Host(RobotsAnswer(503))
    robots = Robots(host)
    await robots.verdict(PAGE, NOON)
    host.answer = RobotsAnswer(200, b"")
    assert await robots.verdict(PAGE, NOON - timedelta(hours=5)) == "allowed"


async def test_a_host_that_must_not_be_reached_is_reported_as_such() -> None:
    with pytest.raises(AddressRefused):
        await Robots(Host(AddressRefused("127.0.0.1 is not a public address"))).verdict(PAGE, NOON)

import asyncio

from producers.politeness import HostGates


async def test_one_request_at_a_time_for_a_domain_in_the_order_of_asking() -> None:
    gates, events = HostGates(0.0), []

    async def ask(name: str, url: str) -> None:
        async with gates.turn(url):
            events.append(f"{name} begins")
            await asyncio.sleep(0.01)
            events.append(f"{name} ends")

    await asyncio.gather(ask("a", "https://www.lecanal.example/1"), ask("b", "https://rss.lecanal.example/2"))

    assert events == ["a begins", "a ends", "b begins", "b ends"]


async def test_domains_do_not_wait_for_one_another() -> None:
    gates = HostGates(3600.0)
    async with (
        gates.turn("https://www.lecanal.example/"),
        asyncio.timeout(5),
        gates.turn("https://www.leport.example/"),
    ):
        pass


async def test_a_domain_rests_between_two_requests() -> None:
    now = [100.0]
    gates = HostGates(1.5, monotonic=lambda: now[0])
    async with gates.turn("https://www.lecanal.example/"):
        now[0] = 103.0
    assert gates.paused_seconds("https://www.lecanal.example/") == 1.5
    now[0] = 105.0
    assert gates.paused_seconds("https://www.lecanal.example/") == 0.0


async def test_a_pause_silences_the_whole_domain() -> None:
    gates = HostGates(0.0, monotonic=lambda: 0.0)
    gates.pause("https://www.lecanal.example/rss", 60.0)
    gates.pause("https://www.lecanal.example/rss", 10.0)
    assert gates.paused_seconds("https://rss.lecanal.example/other") == 60.0


async def test_a_request_that_fails_gives_the_turn_back() -> None:
    gates = HostGates(0.0)
    try:
        async with gates.turn("https://www.lecanal.example/"):
            raise RuntimeError
    except RuntimeError:
        pass
    async with asyncio.timeout(5), gates.turn("https://www.lecanal.example/"):
        pass

"""What every FeedStates store does: the one in memory and Kafka's. `servers`: the latter."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import pytest

from deploy.stack.local_stack import LocalStack
from producers import membership
from producers.errors import NotOwned
from producers.feed_state import FeedStates, InMemoryFeedStates, partition_of
from producers.feed_state_kafka import KafkaFeedStates
from producers.kafka_writer import KafkaWriter
from schemas.kafka_topics import FEEDS_STATE, full_name
from tests.contracts.kafka_installation import create_topics
from tests.producers.samples import feed_state, pending

Opened = Callable[..., AbstractAsyncContextManager[FeedStates]]
ALL = frozenset(range(FEEDS_STATE.partitions))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 other threads change what it looks at
            await asyncio.sleep(0.05)


async def no_release(partitions: frozenset[int]) -> None:
    pass


async def test_a_group_lies_in_the_same_partition_for_good() -> None:
    assert [partition_of(group) for group in ("lemonde.fr", "lecanal.example", "")] == [3, 2, 0]


class FeedStatesContract:
    """`opened` opens a store on one installation; opened twice one after the other it is a restart."""

    async def test_a_new_store_owns_everything_and_knows_nothing(self, opened: Opened) -> None:
        async with opened() as states:
            assert states.owned() == ALL
            assert states.feed(feed_state().url) is None
            assert list(states.pages()) == []

    async def test_what_was_saved_is_known_at_once_and_after_a_restart(self, opened: Opened) -> None:
        async with opened() as states:
            await states.save(pending(1))
            await states.save(feed_state())
            here = (states.feed(feed_state().url), list(states.pages()))
        async with opened() as states:
            there = (states.feed(feed_state().url), list(states.pages()))

        assert here == there == (feed_state(), [pending(1)])

    async def test_the_last_record_of_a_feed_counts(self, opened: Opened) -> None:
        async with opened() as states:
            for failures in range(5):
                await states.save(feed_state(failures=failures))
        async with opened() as states:
            assert states.feed(feed_state().url) == feed_state(failures=4)

    async def test_a_deleted_page_stays_deleted(self, opened: Opened) -> None:
        async with opened() as states:
            await states.save(pending(1))
            await states.save(pending(2))
            await states.delete_page(next(page for page in states.pages() if page == pending(1)))
            here = list(states.pages())
        async with opened() as states:
            assert here == list(states.pages()) == [pending(2)]

    async def test_a_page_that_a_later_change_replaced_is_not_deleted(self, opened: Opened) -> None:
        async with opened() as states:
            await states.save(first := pending(1))
            await states.save(second := pending(1, kind="changed"))
            await states.delete_page(first)
            assert (states.is_current(first), states.is_current(second)) == (False, True)
        async with opened() as states:
            assert list(states.pages()) == [second]

    async def test_a_page_is_put_off_unless_a_later_change_has_replaced_it(self, opened: Opened) -> None:
        async with opened() as states:
            await states.save(first := pending(1))
            await states.replace_page(first, put_off := pending(1, attempts=1))
            here = list(states.pages())
            changing = asyncio.create_task(states.save(second := pending(1, kind="changed", reading=2)))
            await asyncio.sleep(0)  # it is on its way, and not yet in memory
            await states.replace_page(put_off, pending(1, attempts=2))
            await changing
            assert (here, list(states.pages())) == ([put_off], [second])
        async with opened() as states:
            assert list(states.pages()) == [second]

    async def test_a_page_that_is_being_replaced_is_not_deleted(self, opened: Opened) -> None:
        async with opened() as states:
            await states.save(first := pending(1))
            changing = asyncio.create_task(states.save(second := pending(1, kind="changed", reading=2)))
            await asyncio.sleep(0)
            await states.delete_page(first)
            await changing
        async with opened() as states:
            assert list(states.pages()) == [second]

    async def test_nothing_is_written_of_what_is_another_pollers(self, opened: Opened) -> None:
        async with opened() as states:
            await states.save(first := pending(1))
            await states.close()
            with pytest.raises(NotOwned):
                await states.save(pending(2))
            with pytest.raises(NotOwned):
                await states.save(feed_state())
            await states.replace_page(first, pending(1, attempts=1))
            await states.delete_page(first)
        async with opened() as states:
            assert (list(states.pages()), states.feed(feed_state().url)) == ([first], None)

    async def test_feeds_are_found_by_politeness_group(self, opened: Opened) -> None:
        one, other = feed_state(url="https://a.example/1"), feed_state(url="https://a.example/2")
        stranger = feed_state(url="https://b.example/1", group="b.example")
        async with opened() as states:
            for state in (one, other, stranger):
                await states.save(state)
            assert list(states.feeds_of("lecanal.example")) == [one, other]


class TestInMemory(FeedStatesContract):
    @pytest.fixture
    def opened(self) -> Opened:
        log: dict[str, bytes] = {}

        @asynccontextmanager
        async def opened() -> AsyncIterator[FeedStates]:
            states = InMemoryFeedStates(log)
            await states.start(no_release)
            yield states
            await states.close()

        return opened


def kafka_store(bootstrap: str, prefix: str) -> Opened:
    @asynccontextmanager
    async def opened(release: Callable[[frozenset[int]], Awaitable[None]] = no_release) -> AsyncIterator[FeedStates]:
        writer = KafkaWriter(bootstrap, "contract")
        states = KafkaFeedStates(bootstrap, prefix, writer)
        await states.start(release)
        await until(lambda: states.is_ready() and bool(states.owned()))
        try:
            yield states
        finally:
            await states.close()
            await writer.close()

    return opened


@pytest.mark.servers
class TestKafka(FeedStatesContract):
    @pytest.fixture
    def bootstrap(self, stack: LocalStack) -> str:
        return stack.kafka

    @pytest.fixture
    def opened(self, bootstrap: str) -> Opened:
        return kafka_store(bootstrap, create_topics(bootstrap, FEEDS_STATE))

    async def test_two_stores_share_the_partitions_and_the_survivor_takes_over(self, bootstrap: str) -> None:
        prefix = create_topics(bootstrap, FEEDS_STATE)
        released: list[frozenset[int]] = []

        async def release(partitions: frozenset[int]) -> None:
            released.append(partitions)

        store = kafka_store(bootstrap, prefix)
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(store(release))
            known = [feed_state(url=f"https://{number}.example/rss", group=f"{number}.example") for number in range(40)]
            await asyncio.gather(*(first.save(state) for state in known))
            async with store() as second:
                await until(lambda: first.is_ready() and second.is_ready() and first.owned() | second.owned() == ALL)
                shared = (first.owned(), second.owned())
                # Also what the first store had before and has still: kafka-python keeps its position and pause.
                found = [(first.feed(state.url), second.feed(state.url)) for state in known]
                assert [one or other for one, other in found] == known
                assert all((one is None) != (other is None) for one, other in found)
            assert shared[0].isdisjoint(shared[1])
            assert shared[1]
            await until(lambda: first.owned() == ALL)
            assert [first.feed(state.url) for state in known] == known
        assert released[0] == ALL

    async def test_a_join_that_outlasts_a_poll_is_not_forgotten(
        self, bootstrap: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """New topics: the first assignment is mostly made before their metadata came, and is empty."""
        monkeypatch.setattr(membership, "_BLOCKING_MS", 1)
        for _ in range(8):
            async with kafka_store(bootstrap, create_topics(bootstrap, FEEDS_STATE))() as states:
                assert states.owned() == ALL

    async def test_a_record_of_a_later_format_is_ignored(self, bootstrap: str) -> None:
        prefix = create_topics(bootstrap, FEEDS_STATE)
        writer = KafkaWriter(bootstrap, "contract")
        value = b'{"format":99,"url":"https://www.lecanal.example/rss.xml","group":"lecanal.example"}'
        await writer.write(
            full_name(FEEDS_STATE, prefix),
            key=f"feed:{feed_state().url}".encode(),
            value=value,
            partition=partition_of("lecanal.example"),
        )
        await writer.close()
        async with kafka_store(bootstrap, prefix)() as states:
            assert states.feed(feed_state().url) is None

from datetime import timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.decide import MIN_MEMORY, Decision, decide, entry_hash, is_outdated, with_reading
from producers.entries import Entry
from producers.records import FeedState, PendingPage, Seen
from tests.producers.samples import FEED_URL, NOON, entry, pending

UNREAD = FeedState(url=FEED_URL, group="lecanal.example")
SEEN_AT = 1773489600


def decided(
    state: FeedState,
    *entries: Entry,
    known: dict[str, dict[str, int]] | None = None,
    waiting: PendingPage | None = None,
    first_run_hours: float = 48,
) -> Decision:
    pages = {waiting.entry.id: waiting} if waiting else {}
    return decide(state, entries, known=known or {}, waiting=pages, now=NOON, first_run_hours=first_run_hours)


def after(*entries: Entry) -> FeedState:
    return with_reading(UNREAD, decided(UNREAD, *entries), NOON - timedelta(minutes=5))


def test_a_first_reading_fetches_the_last_hours_newest_first_and_marks_the_rest() -> None:
    fresh, older = entry(1), entry(2, published_at=NOON - timedelta(hours=47))
    old, undated = entry(3, published_at=NOON - timedelta(hours=49)), entry(4, published_at=None)

    decision = decided(UNREAD, old, older, fresh, undated)

    assert (decision.new, decision.changed, decision.before_start) == ((undated, fresh, older), (), (old,))
    assert set(decision.seen) == {one.id for one in (old, older, fresh, undated)}


def test_old_entries_of_a_feed_read_before_are_new() -> None:
    late = entry(2, published_at=NOON - timedelta(days=30))
    assert decided(after(entry(1)), entry(1), late).new == (late,)


def test_an_unchanged_entry_asks_for_nothing() -> None:
    decision = decided(after(entry(1)), entry(1))
    assert (decision.new, decision.changed) == ((), ())


@pytest.mark.parametrize(
    "change",
    [{"title": "Autre titre"}, {"summary": "Autre résumé"}, {"modified_at": NOON}],
    ids=["title", "summary", "date of change"],
)
def test_what_the_feed_says_otherwise_is_changed(change: dict[str, object]) -> None:
    changed = msgspec.structs.replace(entry(1), **change)
    decision = decided(after(entry(1)), changed)
    assert (decision.new, decision.changed) == ((), (changed,))


def test_a_change_is_asked_for_once() -> None:
    state, changed = after(entry(1)), entry(1, title="Autre titre")
    again = with_reading(state, decided(state, changed), NOON)
    assert decided(again, changed).changed == ()


def test_categories_and_images_come_and_go_without_a_change() -> None:
    assert decided(after(entry(1)), entry(1, categories=("x",), image="https://a.example/i.jpg")).changed == ()


def test_an_article_known_through_another_feed_of_the_group_is_not_fetched_again() -> None:
    decision = decided(UNREAD, entry(1), known={entry(1).id: {entry_hash(entry(1)): 1}})
    assert (decision.new, decision.before_start, set(decision.seen)) == ((), (), {entry(1).id})


def test_a_change_that_another_feed_has_shown_is_not_fetched_again() -> None:
    changed = entry(1, title="Autre titre")
    assert decided(after(entry(1)), changed, known={changed.id: {entry_hash(changed): 2}}).changed == ()


def test_the_first_sight_is_remembered_through_changes() -> None:
    state = with_reading(UNREAD, Decision(seen={entry(1).id: Seen("0" * 16, SEEN_AT)}), NOON)
    assert decided(state, entry(1, title="x")).seen[entry(1).id].first_seen == SEEN_AT


def test_an_entry_twice_in_a_feed_counts_once() -> None:
    assert decided(UNREAD, entry(1), entry(1, title="Autre titre")).new == (entry(1),)


def test_hashes_are_pinned() -> None:
    """Another hash would make every remembered entry of every feed look changed."""
    assert entry_hash(entry(1)) == "7d8e875e5e442ab3"
    assert entry_hash(entry(1, summary=None, published_at=None)) == "798f85dc219c77da"


@given(st.lists(st.integers(1, 900), max_size=120), st.lists(st.integers(1, 900), max_size=120))
def test_memory_is_bounded_and_keeps_all_that_is_shown(before: list[int], shown: list[int]) -> None:
    state = after(*(entry(number) for number in before))
    seen = decided(state, *(entry(number) for number in shown)).seen
    assert {entry(number).id for number in shown} <= set(seen)
    assert len(seen) <= max(MIN_MEMORY, 3 * len(set(shown)))


def test_the_latest_shown_are_remembered_longest() -> None:
    many = [entry(number) for number in range(1, MIN_MEMORY + 1)]
    state = after(*many)
    seen = decided(state, entry(9999)).seen
    assert (many[0].id in seen, many[-1].id in seen) == (True, False)


def readings(*decisions: Decision) -> list[int]:
    return [decision.seen[entry(1).id].reading for decision in decisions]


def test_readings_are_counted_as_the_feed_announces_changes() -> None:
    first = decided(UNREAD, entry(1))
    state = with_reading(UNREAD, first, NOON)
    same = decided(state, entry(1))
    changed = decided(state, entry(1, title="Autre titre"))
    back = decided(with_reading(state, changed, NOON), entry(1))
    assert readings(first, same, changed, back) == [1, 1, 2, 3]


def test_a_change_that_another_feed_announced_first_counts_once() -> None:
    changed = entry(1, title="Autre titre")
    elsewhere = {changed.id: {entry_hash(changed): 4}}
    assert readings(decided(after(entry(1)), changed, known=elsewhere)) == [4]
    assert readings(decided(after(entry(1)), entry(1, title="Encore un autre"), known=elsewhere)) == [5]


def test_a_feed_that_lags_behind_does_not_hide_that_another_went_back() -> None:
    """A: first, other, first; B, read less often, says "first" all the time."""
    first, other = entry(1), entry(1, title="Autre titre")
    lagging = {first.id: {entry_hash(first): 1}}
    state = with_reading(after(first), decided(after(first), other, known=lagging), NOON)
    assert decided(state, first, known=lagging).changed == (first,)


def test_a_feed_that_says_it_otherwise_does_not_hide_a_change_to_just_that() -> None:
    """B has shown the entry under the second title from the start, without anybody asking for it."""
    second = entry(1, title="Autre titre")
    silent = decided(UNREAD, second, known={second.id: {entry_hash(entry(1)): 1}}).seen[second.id]
    assert silent == Seen(entry_hash(second), int(NOON.timestamp()), 1)
    assert decided(after(entry(1)), second, known={second.id: {silent.entry_hash: silent.reading}}).changed == (second,)


def test_a_change_that_was_asked_for_before_a_crash_keeps_its_number() -> None:
    changed = entry(1, title="Autre titre")
    before_crash = pending(1, entry=changed, kind="changed", reading=2)
    assert readings(decided(after(entry(1)), changed, waiting=before_crash)) == [2]
    assert readings(decided(after(entry(1)), entry(1, title="Encore un autre"), waiting=before_crash)) == [3]
    assert readings(decided(UNREAD, entry(1), waiting=pending(1))) == [1]


class Group:
    """Two feeds of one politeness group that show one entry, and the poller's memory of them."""

    def __init__(self) -> None:
        self.states = {name: FeedState(url=name, group="lecanal.example") for name in "AB"}
        self.waiting: PendingPage | None = None
        self.asked_for: list[tuple[int, str]] = []

    def poll(self, name: str, title: str, *, crashes: bool) -> bool:
        """Whether the feed says something else than before."""
        shown = entry(1, title=title)
        before, other = self.states[name].seen.get(shown.id), self.states["B" if name == "A" else "A"].seen
        known = {key: {seen.entry_hash: seen.reading} for key, seen in other.items()}
        decision = decided(self.states[name], shown, known=known, waiting=self.waiting)
        for one in (*decision.new, *decision.changed):
            reading = decision.seen[one.id].reading
            self.waiting = pending(1, entry=one, feed=name, reading=reading)
            self.asked_for.append((reading, one.title))
        if not crashes:
            self.states[name] = with_reading(self.states[name], decision, NOON)
        return before is not None and before.entry_hash != entry_hash(shown)


@given(
    st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 3), st.sampled_from(["", "crash", "read"])), max_size=25)
)
def test_readings_never_go_back_grow_with_each_change_and_the_last_is_what_was_announced_last(
    polls: list[tuple[str, int, str]],
) -> None:
    group = Group()
    for name, number, then in polls:
        title = f"Titre {number}"
        changed = group.poll(name, title, crashes=then == "crash")
        if then == "crash":  # the feed is still due and asked first
            changed = group.poll(name, title, crashes=False)
        if changed:
            assert group.asked_for[-1][1] == title
        assert group.waiting is None or not is_outdated(group.waiting, group.states.values())
        if then == "read":
            group.waiting = None
    for (earlier, before), (later, after_it) in pairwise(group.asked_for):
        assert earlier < later or (earlier == later and before == after_it)


@pytest.mark.parametrize(
    ("page", "outdated"),
    [
        ({"reading": 2}, False),
        ({"reading": 3}, False),  # asked for before a crash
        ({"reading": 1}, True),
        ({"reading": 2, "entry": entry(1)}, True),  # what the feed said before
        ({"reading": 2, "entry": entry(1), "feed": "https://other.example/rss"}, False),
    ],
)
def test_a_page_record_older_than_the_memory_is_outdated(page: dict[str, object], outdated: bool) -> None:
    shown = entry(1, title="Autre titre")
    state = with_reading(after(entry(1)), decided(after(entry(1)), shown), NOON)
    assert is_outdated(pending(1, **({"entry": shown} | page)), [state, UNREAD]) is outdated

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.decide import MIN_MEMORY, Decision, decide, entry_hash, with_reading
from producers.entries import Entry
from producers.records import FeedState, Seen
from tests.producers.samples import FEED_URL, NOON, entry

UNREAD = FeedState(url=FEED_URL, group="lecanal.example")
SEEN_AT = 1773489600


def decided(
    state: FeedState, *entries: Entry, known: dict[str, dict[str, int]] | None = None, first_run_hours: float = 48
) -> Decision:
    return decide(state, entries, known=known or {}, now=NOON, first_run_hours=first_run_hours)


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


@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 3)), max_size=20))
def test_readings_of_an_entry_never_go_back_and_grow_with_each_change(polls: list[tuple[str, int]]) -> None:
    """Two feeds of one group show one entry, each in any state of it and in any order."""
    states = {"A": UNREAD, "B": UNREAD}
    asked_for: list[int] = []
    for name, title in polls:
        shown = entry(1, title=f"Titre {title}")
        other = states["B" if name == "A" else "A"].seen.get(shown.id)
        known = {shown.id: {other.entry_hash: other.reading}} if other else {}
        decision = decided(states[name], shown, known=known)
        states[name] = with_reading(states[name], decision, NOON)
        if decision.new or decision.changed:
            asked_for.append(decision.seen[shown.id].reading)
    assert asked_for == list(range(1, len(asked_for) + 1))

"""The contract of a store, which the fake and the real one keep: tests of the indexer may then use the fake."""

from collections.abc import Iterator
from typing import Any

import pytest

from schemas.messages import EnrichedArticle, version_of
from schemas.withdrawals import WithdrawalOrders
from sinks.bulk_result import Deleted, Indexed, Superseded
from sinks.elasticsearch import ensure_indices
from sinks.mapping import IndexNames, index_names
from sinks.memory_store import MemoryStore
from sinks.operations import Operation, Plan, Withdraw, plan
from sinks.records import Record
from sinks.store import ElasticsearchStore, Store
from tests.sinks.samples import (
    ACCEPTED,
    NOW,
    PREFIX,
    article,
    article_id,
    article_record,
    full_article,
    trace,
    trace_record,
)
from tests.sinks.servers import client_of, options_on, visible

ID = article_id("halles")


class StoreContract:
    """What every store does. A subclass gives `store`, `names` and `counts`."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError

    @pytest.fixture
    def names(self) -> IndexNames:
        raise NotImplementedError

    def counts(self) -> dict[str, int]:
        raise NotImplementedError

    def article(self, names: IndexNames, message: EnrichedArticle) -> tuple[Operation, ...]:
        return self.operations(article_record(message), "article", names)

    def operations(self, record: Record, kind: Any, names: IndexNames) -> tuple[Operation, ...]:
        planned = plan(record, kind, names, NOW, WithdrawalOrders())
        assert isinstance(planned, Plan)
        return planned.operations

    def test_nothing_is_nothing(self, store: Store) -> None:
        assert (store.write([]), store.accepted_at([])) == ([], {})

    def test_a_new_article_is_created(self, store: Store, names: IndexNames) -> None:
        assert store.write(self.article(names, full_article())) == [Indexed(created=True), Indexed(created=True)]
        assert self.counts() == {"articles": 1, "revisions": 1, "trace": 0}

    def test_a_redelivery_changes_nothing(self, store: Store, names: IndexNames) -> None:
        operations = self.article(names, article())
        store.write(operations)
        assert store.write(operations) == [Indexed(created=False), Indexed(created=False)]
        assert self.counts() == {"articles": 1, "revisions": 1, "trace": 0}

    def test_an_older_revision_is_superseded_but_kept_as_revision(self, store: Store, names: IndexNames) -> None:
        store.write(self.article(names, article(revision=2)))
        assert store.write(self.article(names, article(revision=1))) == [Superseded(), Indexed(created=True)]
        assert self.counts() == {"articles": 1, "revisions": 2, "trace": 0}

    def test_order_within_one_write_is_kept(self, store: Store, names: IndexNames) -> None:
        operations = [*self.article(names, article(revision=1)), *self.article(names, article(revision=2))]
        assert store.write([*operations, Withdraw(names.articles, ID, version_of(3, 0))]) == [
            Indexed(created=True),
            Indexed(created=True),
            Indexed(created=False),
            Indexed(created=True),
            Deleted(),
        ]
        assert self.counts() == {"articles": 0, "revisions": 0, "trace": 0}

    def test_a_withdrawal_takes_document_revisions_and_trace_of_its_article_only(
        self, store: Store, names: IndexNames
    ) -> None:
        for slug in ("halles", "gare"):
            store.write(self.article(names, article(slug)))
            store.write(self.operations(trace_record(trace(slug)), "trace", names))
        assert store.write([Withdraw(names.articles, ID, version_of(1, 0))]) == [Deleted()]
        assert self.counts() == {"articles": 1, "revisions": 1, "trace": 1}
        assert store.accepted_at([ID, article_id("gare")]) == {article_id("gare"): ACCEPTED}

    def test_that_it_was_withdrawn_stays_in_the_trace(self, store: Store, names: IndexNames) -> None:
        store.write(self.operations(trace_record(trace()), "trace", names))
        note = trace(number=2, disposition="withdrawn", url=None, title=None)
        store.write(self.operations(trace_record(note), "trace", names))
        assert store.write([Withdraw(names.articles, ID, version_of(1, 0))]) == [Deleted()]
        assert self.counts() == {"articles": 0, "revisions": 0, "trace": 1}

    def test_it_answers_when_asked(self, store: Store) -> None:
        store.check()

    def test_a_withdrawal_of_nothing_is_done_and_may_come_again(self, store: Store, names: IndexNames) -> None:
        withdrawal = Withdraw(names.articles, ID, version_of(2, 0))
        assert (store.write([withdrawal]), store.write([withdrawal])) == ([Deleted()], [Deleted()])

    def test_what_was_withdrawn_does_not_come_back_by_a_redelivery(self, store: Store, names: IndexNames) -> None:
        store.write([Withdraw(names.articles, ID, version_of(2, 0))])
        put, _ = self.article(names, article(revision=1))
        assert store.write([put]) == [Superseded()]
        assert self.counts()["articles"] == 0

    def test_a_withdrawal_below_a_newer_article_is_superseded(self, store: Store, names: IndexNames) -> None:
        store.write(self.article(names, article(revision=3)))
        assert store.write([Withdraw(names.articles, ID, version_of(2, 0))]) == [Superseded()]
        assert self.counts() == {"articles": 1, "revisions": 1, "trace": 0}


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def names(self) -> IndexNames:
        return index_names(PREFIX)

    @pytest.fixture
    def store(self, names: IndexNames) -> Store:
        self.memory = MemoryStore(names)
        return self.memory

    def counts(self) -> dict[str, int]:
        articles, revisions, traces = (len(held) for held in self.memory.documents.values())
        return {"articles": articles, "revisions": revisions, "trace": traces}


@pytest.mark.servers
class TestElasticsearchStore(StoreContract):
    @pytest.fixture
    def names(self) -> IndexNames:
        return index_names(self.chosen.index_prefix)

    @pytest.fixture(autouse=True)
    def installation(self, stack: Any) -> Iterator[None]:
        self.chosen = options_on(stack)
        with client_of(self.chosen) as self.client:
            ensure_indices(self.client, self.chosen)
            yield

    @pytest.fixture
    def store(self, names: IndexNames) -> Store:
        return ElasticsearchStore(self.client, names)

    def counts(self) -> dict[str, int]:
        return visible(self.client, self.chosen)

"""What is to be forgotten -> orders, and which articles that concerns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.errors import UserError
from deploy.forget.targets import (
    Concerned,
    SightedPublisher,
    Sighting,
    Targets,
    article_orders,
    orders,
    targets,
)
from producers.canonical import article_id
from schemas.withdrawals import WithdrawalOrder, WithdrawalOrders, order_key
from tests.articles import NOON

URL = "http://www.phare-ouest.example/cantine.html"
OTHER = "http://www.phare-ouest.example/2026/cantine-scolaire.html"
DOSSIER = "http://www.phare-ouest.example/dossier/"


def sighting(url: str, *aliases: str, publisher: str = "phare-ouest.example") -> Sighting:
    return Sighting(article_id=article_id(url), url=url, url_aliases=aliases, publisher=SightedPublisher(publisher))


class TestTargets:
    def test_addresses_become_canonical_and_each_counts_once(self) -> None:
        assert targets([URL, URL + "?utm_source=rss#haut", " " + URL], [DOSSIER], ["tiers.example"]) == Targets(
            (URL,), (DOSSIER,), ("tiers.example",)
        )

    def test_a_host_alone_is_a_prefix_that_ends_with_its_slash(self) -> None:
        asked = targets([], ["http://www.phare-ouest.example"], [])
        assert asked.prefixes == ("http://www.phare-ouest.example/",)

    @pytest.mark.parametrize(
        ("urls", "prefixes", "publishers", "sentence"),
        [
            pytest.param([], [], [], "nothing is to be forgotten", id="nothing"),
            pytest.param(["cantine"], [], [], "'cantine' is no address of an article", id="no address"),
            pytest.param([], ["/dossier/"], [], "'/dossier/' is no address", id="a path"),
            pytest.param([], [""], [], "'' is no address", id="an empty prefix"),
            pytest.param([], ["HTTP://www.X.example/a"], [], "--prefix http://www.x.example/a if", id="capitals"),
            pytest.param([], [DOSSIER + "une/amp"], [], f"give --prefix {DOSSIER}une if", id="an ending that is cut"),
            pytest.param([], [DOSSIER + "?utm_source=x"], [], f"give --prefix {DOSSIER} if", id="a parameter"),
            pytest.param([], [], ["http://tiers.example/"], "is no publisher's id", id="an address as publisher"),
            pytest.param([], [], [""], "'' is no publisher's id", id="an empty publisher"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, urls, prefixes, publishers, sentence: str) -> None:
        with pytest.raises(UserError) as error:
            targets(urls, prefixes, publishers)
        assert sentence in str(error.value)


class TestOrders:
    def test_one_for_each_target(self) -> None:
        asked = Targets((URL,), (DOSSIER,), ("tiers.example",))
        assert orders(asked, "withdrawn_by_publisher", NOON) == [
            WithdrawalOrder(scope=scope, target=target, reason="withdrawn_by_publisher", requested_at=NOON)
            for scope, target in (
                ("article", article_id(URL)),
                ("prefix", DOSSIER),
                ("publisher", "tiers.example"),
            )
        ]


class TestConcerned:
    def test_an_address_concerns_its_article_though_nobody_has_seen_it(self) -> None:
        concerned = Concerned(Targets((URL,)))
        assert (concerned.articles, concerned.aliased) == ({article_id(URL): URL}, {})

    def test_another_address_of_an_article_concerns_it_and_asks_for_an_order_of_its_own(self) -> None:
        concerned = Concerned(Targets((OTHER,), (DOSSIER,)))
        concerned.note(sighting(URL, OTHER))
        concerned.note(sighting("http://www.phare-ouest.example/b.html", DOSSIER + "b"))
        concerned.note(sighting("http://www.phare-ouest.example/c.html", "http://www.phare-ouest.example/d.html"))
        seen = [article_id(URL), article_id("http://www.phare-ouest.example/b.html")]
        assert list(concerned.aliased) == seen
        assert list(concerned.articles) == [article_id(OTHER), *seen]

    def test_messages_of_articles_and_traces_say_the_publisher_each_in_its_way(self) -> None:
        concerned = Concerned(Targets(publishers=("tiers.example",)))
        concerned.note(sighting(URL, publisher="tiers.example"))
        concerned.note(Sighting(article_id=article_id(OTHER), publisher_id="tiers.example"))
        concerned.note(sighting(DOSSIER, publisher="tiers.example.autre"))
        assert concerned.articles == {article_id(URL): URL, article_id(OTHER): None}

    def test_an_address_that_is_said_later_is_kept(self) -> None:
        concerned = Concerned(Targets(publishers=("tiers.example",)))
        concerned.note_id(article_id(URL))
        concerned.note(sighting(URL, publisher="tiers.example"))
        concerned.note_id(article_id(URL))
        assert concerned.articles == {article_id(URL): URL}


hosts = st.sampled_from(["http://a.example/", "http://b.example/"])
paths = st.text("ab/", max_size=4)
urls = st.builds(str.__add__, hosts, paths)
publishers = st.sampled_from(["a.example", "b.example"])


def of_its_publisher(url: str, *aliases: str) -> Sighting:
    return sighting(url, *aliases, publisher=url.split("/")[2])


@given(
    asked=st.builds(Targets, st.lists(urls).map(tuple), st.lists(urls).map(tuple), st.lists(publishers).map(tuple)),
    seen=st.lists(urls, max_size=8),
    aliases=st.lists(urls, max_size=2),
)
def test_whatever_is_withdrawn_is_covered_by_an_order_and_the_other_way_round(asked, seen, aliases) -> None:
    concerned = Concerned(asked)
    for url in seen:
        concerned.note(of_its_publisher(url))
    for url in seen[:1]:
        concerned.note(of_its_publisher(url, *aliases))
    held = WithdrawalOrders()
    for order in [*orders(asked, "forgotten", NOON), *article_orders(concerned.aliased, "forgotten", NOON)]:
        held.load(order_key(order), order)
    for one in map(of_its_publisher, seen):
        covered = held.covering(one.article_id, one.url, one.publisher.id) is not None
        assert covered == (one.article_id in concerned.articles)

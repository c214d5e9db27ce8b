from datetime import timedelta

import msgspec
import pytest

from producers.article import Outcome, Reading, outcome_of, trace_of
from producers.extraction import Page
from schemas.articles import Access, Image, Publisher, Rights, RightsBasis
from schemas.messages import FetchedArticle
from tests.producers.samples import FEED_URL, NOON, PUBLISHER, entry, pending

LATER = NOON + timedelta(seconds=30)
TEXT = "Le texte de la page.\nDeuxième paragraphe."
PAGE = Page(
    title="Le titre de la page",
    standfirst="Le chapeau de la page.",
    text=TEXT,
    authors=("Solène Quéré",),
    authors_declared=True,
    published_at=NOON - timedelta(hours=3),
    published_precision="day",
    image="https://www.lecanal.example/i.jpg",
    section="Transports",
    keywords=("canal",),
    access=Access(status="free"),
    canonical="https://www.lecanal.example/ancien-titre.html",
    verdict="article",
)


def made(reading: Reading, *, basis: RightsBasis = "art4", **changes: object) -> Outcome:
    page = msgspec.structs.replace(pending(1), **changes)
    return outcome_of(page, reading, basis=basis, asked_at=LATER, now=LATER)


def article(outcome: Outcome) -> FetchedArticle:
    assert outcome.article is not None
    return outcome.article


def test_an_article_of_the_best_sources() -> None:
    reading = Reading(page=PAGE, final_url="https://www.lecanal.example/article-1.html?utm_source=x")
    known = entry(1)
    assert made(reading) == Outcome(
        article=FetchedArticle(
            article_id=known.id,
            url=known.url,
            url_aliases=("https://www.lecanal.example/ancien-titre.html",),
            publisher=PUBLISHER,
            feeds=(FEED_URL,),
            title=known.title,
            standfirst="Le chapeau de la page.",
            text=TEXT,
            text_source="page",
            word_count=7,
            authors=("Solène Quéré",),
            section="Transports",
            keywords=("canal",),
            image=Image(url="https://www.lecanal.example/i.jpg"),
            access=Access(status="free"),
            rights=Rights(basis="art4"),
            published_at=known.published_at,
            published_precision="second",
            language_hint="fr",
            discovered_at=NOON,
            reading=1,
            fetched_at=LATER,
        ),
        disposition="fetched",
    )


def test_a_paywalled_beginning_is_a_teaser() -> None:
    page = msgspec.structs.replace(PAGE, access=Access(status="subscriber", truncated=True))
    outcome = made(Reading(page=page))
    assert (outcome.disposition, article(outcome).text, article(outcome).text_source) == ("teaser_kept", TEXT, "teaser")


def test_reserved_text_is_dropped_to_the_feeds_summary() -> None:
    reserved = Rights(tdm_reserved=True, evidence=("meta tdm-reservation=1",))
    outcome = made(
        Reading(page=msgspec.structs.replace(PAGE, rights=reserved)), entry=entry(1, content="Tout le texte. " * 100)
    )
    got = article(outcome)
    assert (outcome.disposition, got.text, got.text_source, got.standfirst) == (
        "teaser_kept",
        entry(1).summary,
        "feed",
        entry(1).summary,
    )
    assert got.rights == msgspec.structs.replace(reserved, basis="art4")


@pytest.mark.parametrize("basis", ["research", "licence"])
def test_reserved_text_is_kept_on_another_basis(basis: RightsBasis) -> None:
    page = msgspec.structs.replace(PAGE, rights=Rights(tdm_reserved=True))
    assert article(made(Reading(page=page), basis=basis)).text == TEXT


def test_reserved_text_without_a_summary_leaves_title_and_link() -> None:
    page = msgspec.structs.replace(PAGE, rights=Rights(tdm_reserved=True))
    got = article(made(Reading(page=page), entry=entry(1, summary=None)))
    assert (got.text, got.text_source, got.word_count, got.standfirst) == (None, "none", 0, None)


@pytest.mark.parametrize(
    ("reading", "detail"),
    [
        (Reading(page=Page(verdict="consent_wall", text="Des cookies.")), "not_an_article: consent_wall"),
        (Reading(failure="fetch_failed", detail="404, asked 2 times"), "fetch_failed: 404, asked 2 times"),
        (Reading(failure="extraction_failed", detail="timeout"), "extraction_failed: timeout"),
    ],
)
def test_without_an_article_page_the_feed_is_what_is_left(reading: Reading, detail: str) -> None:
    outcome = made(reading)
    assert (outcome.disposition, outcome.detail) == ("teaser_kept", detail)
    assert (article(outcome).text, article(outcome).text_source) == (entry(1).summary, "feed")
    assert article(outcome).access == Access()


@pytest.mark.parametrize(
    ("reading", "disposition"),
    [
        (Reading(page=Page(verdict="error_page")), "not_an_article"),
        (Reading(failure="fetch_failed"), "fetch_failed"),
        (Reading(failure="too_large"), "too_large"),
    ],
)
def test_with_nothing_in_the_feed_either_there_is_no_article(reading: Reading, disposition: str) -> None:
    outcome = made(reading, entry=entry(1, summary=None))
    assert (outcome.article, outcome.disposition) == (None, disposition)


def test_the_feeds_full_text_beats_a_paywalled_beginning() -> None:
    page = msgspec.structs.replace(PAGE, access=Access(status="subscriber", truncated=True))
    got = article(made(Reading(page=page), entry=entry(1, content="Tout le texte. " * 100)))
    assert (got.text_source, got.access.status) == ("feed", "subscriber")


def test_a_date_in_the_future_is_clamped_to_the_first_sight() -> None:
    got = article(made(Reading(page=PAGE), entry=entry(1, published_at=NOON + timedelta(days=3))))
    assert (got.published_at, got.problems) == (NOON, ("published_in_future",))


def test_the_page_dates_what_the_feed_does_not() -> None:
    got = article(made(Reading(page=PAGE), entry=entry(1, published_at=None, problems=("date_missing",))))
    assert (got.published_at, got.published_precision, got.problems) == (PAGE.published_at, "day", ())


def test_no_date_at_all_is_a_problem() -> None:
    page = msgspec.structs.replace(PAGE, published_at=None)
    got = article(made(Reading(page=page), entry=entry(1, published_at=None, problems=("date_missing",))))
    assert (got.published_at, got.published_precision, got.problems) == (None, "none", ("date_missing",))


@pytest.mark.parametrize(
    ("modified", "kept", "problems"),
    [
        (entry(1).published_at, None, ()),
        (NOON, NOON, ()),
        (NOON + timedelta(days=1), LATER, ("modified_in_future",)),
    ],
)
def test_modified_at(modified: object, kept: object, problems: tuple[str, ...]) -> None:
    got = article(made(Reading(page=PAGE), entry=entry(1, modified_at=modified)))
    assert (got.modified_at, got.problems) == (kept, problems)


def test_an_agencys_own_article_credits_it() -> None:
    agency = Publisher(id="apl.example", name="Agence Presse Libre", kind="agency")
    assert article(made(Reading(page=PAGE), publisher=agency)).agency == ("APL",)


def test_the_feeds_authors_beat_the_pages_byline() -> None:
    page = msgspec.structs.replace(PAGE, authors_declared=False)
    got = article(made(Reading(page=page), entry=entry(1, authors=("Yaël Cosquer",))))
    assert got.authors == ("Yaël Cosquer",)


@pytest.mark.parametrize(("of_feed", "section"), [("Sport", "Sport"), ("une", None), ("À la une", None), ("", None)])
def test_the_front_page_is_no_section(of_feed: str, section: str | None) -> None:
    page = msgspec.structs.replace(PAGE, section=None)
    assert article(made(Reading(page=page), section=of_feed)).section == section


def test_an_address_on_another_site_is_no_alias() -> None:
    page = msgspec.structs.replace(PAGE, canonical=None)
    assert article(made(Reading(page=page, final_url="https://www.leport.example/a"))).url_aliases == ()


def test_a_repeated_delivery_has_the_same_trace_id_and_another_content_another() -> None:
    def trace_id(content: str, minutes: int) -> str:
        now = NOON + timedelta(minutes=minutes)
        return trace_of(pending(1), "fetched", detail=None, content=content, now=now).trace_id

    assert trace_id("a", 1) == trace_id("a", 2) != trace_id("b", 1)


def test_a_reading_has_its_place_where_its_page_was_asked_for_and_nothing_is_older_than_it_was_found() -> None:
    early = NOON - timedelta(hours=3)
    kept = outcome_of(pending(1, reading=7), Reading(page=PAGE), basis="art4", asked_at=LATER, now=LATER + timedelta(1))
    set_back = outcome_of(pending(1), Reading(page=PAGE), basis="art4", asked_at=early, now=early)
    got = [article(outcome) for outcome in (kept, set_back)]
    assert [(one.discovered_at, one.fetched_at, one.reading) for one in got] == [(NOON, LATER, 7), (early, early, 1)]
    assert got[1].published_at is not None
    assert got[1].published_at <= early

"""Searches on the real server: what is found, in which order, with which marks."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.articles import Access, Publisher, Timeline
from schemas.labels import Entities, Places, Story, Topics
from schemas.messages import EnrichedArticle
from schemas.withdrawals import WithdrawalOrders
from sinks.elasticsearch import ensure_indices
from sinks.hits import MARK_END, MARK_START, SearchResult
from sinks.mapping import index_names
from sinks.operations import Plan, plan
from sinks.search import Search, run_search
from sinks.store import ElasticsearchStore
from tests.sinks.samples import NOW, article, article_id, article_record
from tests.sinks.servers import client_of, now, options_on

pytestmark = pytest.mark.servers

SOMMET = article_id("sommet")
GAZETTE = Publisher(id="gazette.example", name="La Gazette des Deux Rives", kind="regional")
AGENCE = Publisher(id="agence.example", name="Agence du Centre", kind="agency")

AGENCY_TEXT = "Le château de Valbrune rouvrira ses portes au public au printemps, après la restauration des toitures."

DISCOVERED = now() - timedelta(minutes=5)


def seen(at: datetime = DISCOVERED, **fields: Any) -> dict[str, Any]:
    """An article that came out ten minutes before a feed showed it; recency counts from the server's clock."""
    return {
        "published_at": at - timedelta(minutes=10),
        "accepted_at": at,
        "timeline": Timeline(discovered=at, fetched=at),
        **fields,
    }


ARTICLES: tuple[EnrichedArticle, ...] = (
    article(
        "sommet",
        title="Washington et Moscou préparent un sommet",
        standfirst="L’émissaire américain est attendu cette semaine.",
        text="Les présidents Donald Trump et Vladimir Poutine pourraient se rencontrer. Un accord de principe existe.",
        entities=Entities(person=("Donald Trump", "Vladimir Poutine"), organization=("Kremlin",)),
        places=Places(name=("Moscou", "Washington"), country=("RU", "US")),
        topics=Topics(code=("medtop:16000000",), label=("conflits, guerres et paix",)),
        **seen(),
    ),
    article(
        "montagne",
        title="Le refuge du sommet rouvre",
        text="Les randonneurs retrouvent le gardien, en accord avec la commune. Le principe reste le même.",
        **seen(DISCOVERED - timedelta(days=30)),
    ),
    article(
        "front", title="Marine Le Pen en meeting à Fréjus", text="La candidate a parlé devant ses partisans.", **seen()
    ),
    article(
        "stylo", title="Le stylo pen, nouvelle mode des lycées", text="Les élèves l’adorent. Le prix monte.", **seen()
    ),
    article("courrier", title="La Poste ferme trois bureaux", text="Les usagers protestent.", **seen()),
    article(
        "police", title="Un poste de police attaqué", text="Aucun blessé dans le quartier. La nuit fut calme.", **seen()
    ),
    article("onu", title="Réunion d’urgence à l’O.N.U.", text="Les ambassadeurs se retrouvent.", **seen()),
    article(
        "ile", title="Un cyclone approche de La Réunion", text="Les écoles de l’île ferment aujourd’hui.", **seen()
    ),
    article("coeur", title="Une opération du cœur réussie à Tours", text="Le patient se porte bien.", **seen()),
    article(
        "municipales",
        title="Élections municipales : les listes sont closes",
        text="Le scrutin aura lieu en mars.",
        **seen(),
    ),
    article("elle", title="Le magazine Elle change de formule", text="Le mensuel augmente sa pagination.", **seen()),
    article(
        "chateau",
        title="Le château de Valbrune rouvre",
        text=AGENCY_TEXT,
        publisher=AGENCE,
        agency=("AFP",),
        story=Story(id=article_id("chateau"), relation="first"),
        access=Access(status="free"),
        **seen(),
    ),
    article(
        "chateau-gazette",
        title="Valbrune : le château de nouveau ouvert",
        text=AGENCY_TEXT,
        publisher=GAZETTE,
        agency=("AFP",),
        **seen(DISCOVERED + timedelta(minutes=2)),
        story=Story(id=article_id("chateau"), relation="copy"),
        access=Access(status="subscriber", truncated=True),
    ),
    article(
        "sans-texte",
        title="Grève des éboueurs à Nevers",
        text=None,
        standfirst="Le conflit dure depuis lundi.",
        **seen(),
    ),
)


@pytest.fixture(scope="module")
def ask(stack: Any) -> Iterator[Any]:
    chosen = options_on(stack)
    names = index_names(chosen.index_prefix)
    with client_of(chosen) as client:
        ensure_indices(client, chosen)
        plans = [plan(article_record(message), "article", names, NOW, WithdrawalOrders()) for message in ARTICLES]
        ElasticsearchStore(client, names).write([o for p in plans if isinstance(p, Plan) for o in p.operations])
        client.indices.refresh(index=names.articles)

        def answer(*asked: Any, **more: Any) -> SearchResult:
            return run_search(client, Search(*asked, **more), index_prefix=chosen.index_prefix)

        yield answer


def slugs(result: SearchResult) -> list[str]:
    by_id = {article_id(message.url.rsplit("/", 1)[-1]): message.url.rsplit("/", 1)[-1] for message in ARTICLES}
    return [by_id[hit.article_id] for hit in result.hits]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sommet Poutine", ["sommet"]),
        ("l'émissaire americain", ["sommet"]),
        ("L’ÉMISSAIRE AMÉRICAIN", ["sommet"]),
        ("emissaires américains", ["sommet"]),
        ("« accord de principe »", ["sommet"]),
        ('"Accord de Principe" Moscou', ["sommet"]),
        ('"principe de accord"', []),
        ("Le Pen", ["front"]),
        ("La Poste", ["courrier"]),
        ("La Réunion", ["ile"]),
        ("ONU", ["onu"]),
        ("o.n.u.", ["onu"]),
        ("O.N.U.", ["onu"]),
        ("coeur", ["coeur"]),
        ("cœur", ["coeur"]),
        ("elections", ["municipales"]),
        ("Les élections", ["municipales"]),
        ("l'élection municipale", ["municipales"]),
        ("aujourd'hui cyclone", ["ile"]),
        ("aujourd’hui cyclone", ["ile"]),
        ("Elle", ["elle"]),
        ("éboueurs conflit", ["sans-texte"]),
        ("licorne", []),
        ("!?", []),
    ],
)
def test_found(ask: Any, query: str, found: list[str]) -> None:
    result = ask(query)
    assert (slugs(result), result.total, result.relaxed) == (found, len(found), False)


def test_title_and_recency_come_first(ask: Any) -> None:
    assert slugs(ask("sommet")) == ["sommet", "montagne"]


def test_with_one_word_too_many_the_rest_is_found_and_the_answer_says_so(ask: Any) -> None:
    result = ask("cyclone île licorne")
    assert (slugs(result), result.relaxed) == (["ile"], True)


def test_words_are_marked_whatever_their_form(ask: Any) -> None:
    (hit,) = ask("emissaire americain trump").hits
    assert hit.snippet.startswith(f"Les présidents Donald {MARK_START}Trump{MARK_END} et Vladimir Poutine pourraient")
    (hit,) = ask("election municipale").hits
    assert hit.marked_title == (
        f"{MARK_START}Élections{MARK_END} {MARK_START}municipales{MARK_END} : les listes sont closes"
    )


def test_phrases_are_marked(ask: Any) -> None:
    (hit,) = ask("« accord de principe »").hits
    assert f"{MARK_START}accord{MARK_END} de {MARK_START}principe{MARK_END}" in hit.snippet


def test_a_story_is_one_hit_with_its_other_publishers(ask: Any) -> None:
    result = ask("château Valbrune")
    (hit,) = result.hits
    assert (result.total, result.stories, hit.story_size) == (2, 1, 2)
    assert {hit.publisher_name, *(other.publisher_name for other in hit.others)} == {AGENCE.name, GAZETTE.name}
    assert len(hit.others) == 1
    assert len(ask("château Valbrune", collapse_stories=False).hits) == 2
    assert slugs(ask(story=article_id("chateau"), sort="oldest")) == ["chateau", "chateau-gazette"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        pytest.param({"publisher": "gazette.example"}, {"chateau-gazette"}, id="domain"),
        pytest.param({"publisher": "deux rives"}, {"chateau-gazette"}, id="words of the publisher's name"),
        pytest.param({"person": "poutine"}, {"sommet"}, id="words of a person's name"),
        pytest.param({"entity": "kremlin"}, {"sommet"}, id="organisation"),
        pytest.param({"place": "moscou"}, {"sommet"}, id="place"),
        pytest.param({"place": "ru"}, {"sommet"}, id="country code"),
        pytest.param({"topic": "16000000"}, {"sommet"}, id="topic code"),
        pytest.param({"topic": "guerres"}, {"sommet"}, id="words of a topic"),
        pytest.param({"access": "subscriber"}, {"chateau-gazette"}, id="access"),
        pytest.param({"until": DISCOVERED - timedelta(days=1)}, {"montagne"}, id="before"),
        pytest.param({"since": DISCOVERED - timedelta(minutes=9)}, {"chateau-gazette"}, id="since"),
        pytest.param({"query": "refuge", "person": "poutine"}, set(), id="both must hold"),
    ],
)
def test_filters(ask: Any, filters: dict[str, Any], found: set[str]) -> None:
    assert set(slugs(ask(**filters))) == found


def test_everything_newest_first(ask: Any) -> None:
    result = ask(size=3, collapse_stories=False)
    assert (result.total, len(result.hits), slugs(result)[0]) == (len(ARTICLES), 3, "chateau-gazette")

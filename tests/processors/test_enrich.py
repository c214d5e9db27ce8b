from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.enrich import LABELS_RELEASE, MAX_READ_CHARACTERS, NotFrench, Tagger
from schemas.articles import Publisher
from schemas.labels import Entity
from schemas.messages import TaggedArticle, UniqueArticle, version_of

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
TITLE = "À Nantes, le maire défend le nouveau tramway"
TEXT = (
    "Réuni vendredi, le conseil municipal de Nantes a adopté le budget du tramway. La maire, Solène Guillou, a défendu "
    "un projet « attendu depuis dix ans ».\nMme Guillou répond à l’opposition. À Kyiv, l’Otan s’inquiète."
)
TEXTS = [
    TEXT,
    "Un match à Lens. L’entraîneur Bruno Casteix est content de la victoire.",
    "Washington a répondu à Moscou.\nLe Kremlin se tait.",
    "M. Washington, menuisier à Tulle, vend son atelier.",
]


def article(**changes: object) -> UniqueArticle:
    known = UniqueArticle(
        article_id="0" * 32,
        url="https://journal.example/politique/tramway",
        publisher=Publisher(id="journal.example", name="Le Journal", coverage=("44",)),
        title=TITLE,
        text=TEXT,
        text_source="page",
        problems=("date_missing",),
        discovered_at=NOW - timedelta(minutes=5),
        fetched_at=NOW - timedelta(minutes=4),
        revision=2,
        accepted_at=NOW - timedelta(minutes=3),
        revised_at=NOW - timedelta(minutes=2),
        published_at=NOW - timedelta(hours=1),
        first_published_at=NOW - timedelta(hours=1),
    )
    return msgspec.structs.replace(known, **changes)


def tagged(tagger: Tagger, unique: UniqueArticle, run: int = 0) -> TaggedArticle:
    result = tagger.tag(unique, now=NOW, run=run)
    assert isinstance(result, TaggedArticle)
    return result


def test_entities_have_name_kind_count_and_places_in_the_text(tagger: Tagger) -> None:
    labels = tagger.labels(TITLE, TEXT)
    detail = {entity.name: entity for entity in labels.entities.detail}
    assert labels.entities.person == ("Solène Guillou",)
    assert [TEXT[start:end] for start, end in detail["Solène Guillou"].mentions] == ["Solène Guillou", "Guillou"]
    assert detail["Nantes"] == Entity(
        name="Nantes", kind="LOC", count=2, in_title=True, mentions=((TEXT.index("Nantes"), TEXT.index("Nantes") + 6),)
    )
    assert (detail["Kiev"].kind, detail["Otan"].kind) == ("LOC", "ORG")
    assert labels.entities.in_title == ("Nantes",)


def test_a_city_alone_is_a_place_and_with_a_civility_a_person(tagger: Tagger) -> None:
    city, person = tagger.labels("", TEXTS[2]), tagger.labels("", TEXTS[3])
    assert {e.name: e.kind for e in city.entities.detail} == {"Washington": "LOC", "Moscou": "LOC", "Kremlin": "ORG"}
    assert person.entities.person == ("Washington",)
    assert "Washington" not in person.places.name


def test_a_tagged_article_carries_everything_the_unique_one_had(tagger: Tagger) -> None:
    unique = article()
    result = tagged(tagger, unique)
    shared = set(UniqueArticle.__struct_fields__) & set(TaggedArticle.__struct_fields__)
    assert {name: getattr(result, name) for name in shared} == {name: getattr(unique, name) for name in shared}
    assert (result.language, result.labels_release, result.version) == ("fr", LABELS_RELEASE, version_of(2, 0))
    assert msgspec.structs.astuple(result.timeline) == (
        unique.published_at,
        unique.discovered_at,
        unique.fetched_at,
        unique.revised_at,
        NOW,
        None,
    )
    assert result.provenance.problems == ("date_missing",)
    assert set(result.provenance.versions) == {"entities", "spacy", "language", "lexicons"}
    assert result.primary_place == "Nantes"
    assert "section:politique" in result.topics.detail[0].evidence


def test_a_later_run_is_a_higher_version(tagger: Tagger) -> None:
    assert tagged(tagger, article(), run=3).version == version_of(2, 3)


def test_an_article_without_text_is_labelled_by_title_and_standfirst(tagger: Tagger) -> None:
    standfirst = "La maire Solène Guillou promet des travaux dès le mois de mars dans toute la ville."
    result = tagged(tagger, article(text=None, text_source="none", standfirst=standfirst))
    assert result.text is None
    assert result.entities.person == ("Solène Guillou",)
    assert all(entity.mentions == () for entity in result.entities.detail)


def test_other_languages_get_no_labels(tagger: Tagger) -> None:
    breton = "Kuzul-kêr en deus divizet dec’h da noz adneveziñ ar skol e karter an ti-gar e Kemper."
    result = tagger.tag(article(text=breton, language_hint="fr"), now=NOW)
    assert isinstance(result, NotFrench)
    assert result.language.code == "br"


def test_of_an_endless_text_the_beginning_is_read(tagger: Tagger) -> None:
    labels = tagger.labels("Titre", "\n" * MAX_READ_CHARACTERS + "À Nantes.")
    assert labels.problems == ("labels_from_beginning",)
    assert labels.places.name == ()


def test_nothing_comes_of_nothing(tagger: Tagger) -> None:
    labels = tagger.labels("", "")
    assert (labels.entities.detail, labels.places.detail, labels.primary_place) == ((), (), None)
    assert len(labels.topics.code) == 1


@pytest.fixture(scope="module")
def alone(tagger: Tagger) -> list[object]:
    return [tagger.labels("", text) for text in TEXTS]


@settings(max_examples=10, deadline=None)
@given(order=st.lists(st.integers(0, len(TEXTS) - 1), max_size=6))
def test_no_article_changes_what_another_gets(tagger: Tagger, alone: list[object], order: list[int]) -> None:
    assert [tagger.labels("", TEXTS[i]) for i in order] == [alone[i] for i in order]


PIECES = [
    "Trump",
    " à ",
    "M. ",
    "Mme ",
    "Le Caire",
    "«",
    "» ",
    "\n",
    "\r\n",
    "\u00a0",
    "’",
    "(Isère)",
    ". ",
    "É",
    "\x00",
    "😀",
    "-",
]


@settings(max_examples=60, deadline=None)
@given(
    title=st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
    text=st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=25).map("".join),
)
def test_any_text_is_labelled_and_offsets_lie_within_it(tagger: Tagger, title: str, text: str) -> None:
    labels = tagger.labels(title, text)
    for entity in labels.entities.detail:
        assert entity.count == len(entity.mentions) or entity.in_title
        assert all(0 <= start < end <= len(text) and "\n" not in text[start:end] for start, end in entity.mentions)
    assert len(labels.quotes.speaker) == len(labels.quotes.text)
    assert all(0 <= topic.score <= 1 for topic in labels.topics.detail)


def test_paragraphs_read_together_or_alone_give_the_same(tagger: Tagger) -> None:
    paragraphs = [line for text in TEXTS for line in text.split("\n")]
    together = tagger._model.read(paragraphs)
    one_by_one = [tagger._model.read([paragraph])[0] for paragraph in paragraphs]
    assert [reading.spans for reading in together] == [reading.spans for reading in one_by_one]

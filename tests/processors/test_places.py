import pytest

from processors.entities import NamedMention
from processors.models import Lexicons
from processors.places import FoundPlaces, PlaceFinder, Publication
from schemas.labels import GeoPoint, Place


def found(lexicons: Lexicons, text: str, *names: str, title: str = "", coverage: tuple[str, ...] = ()) -> FoundPlaces:
    """What the finder makes of every occurrence of the names."""
    mentions = []
    for source, in_title in ((title, True), (text, False)):
        for name in names:
            at = source.find(name)
            while at >= 0:
                mentions.append(NamedMention(in_title, at, at + len(name), "LOC", name))
                at = source.find(name, at + 1)
    ordered = sorted(mentions, key=lambda m: (not m.in_title, m.start))
    return PlaceFinder(lexicons.gazetteer).find(title, text, ordered, Publication(coverage))


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("à Vienne (Isère)", "Vienne", ("city", "FR", "38")),
        ("à Vienne (38)", "Vienne", ("city", "FR", "38")),
        ("des négociations à Vienne", "Vienne", ("city", "AT", None)),
        ("dans la Vienne", "Vienne", ("department", "FR", "86")),
        ("à Valence", "Valence", ("city", "FR", "26")),
        ("à Valence (Espagne)", "Valence", ("city", "ES", None)),
        ("à Paris (Texas)", "Paris", ("city", "US", None)),
        ("à Paris", "Paris", ("city", "FR", "75")),
        ("à Saint-Denis", "Saint-Denis", ("city", "FR", "93")),
        ("à Saint-Denis (La Réunion)", "Saint-Denis", ("city", "RE", "974")),
        ("à Grenade", "Grenade", ("city", "ES", None)),
        ("en Géorgie", "Géorgie", ("country", "GE", None)),
        ("la conférence du Caire", "Caire", ("city", "EG", None)),
        ("à Brest", "Brest", ("city", "FR", "29")),
        ("en Corse", "Corse", ("region", "FR", None)),
        ("à Monaco", "Monaco", ("city", "MC", None)),
    ],
)
def test_the_sentence_chooses(lexicons: Lexicons, text: str, name: str, expected: tuple[str, str, str | None]) -> None:
    (place,) = found(lexicons, text, name).places.detail
    assert (place.kind, place.country, place.department) == expected


def test_the_publishers_departments_choose(lexicons: Lexicons) -> None:
    local = found(lexicons, "Un accident à Saint-Denis", "Saint-Denis", coverage=("974",))
    assert local.places.department == ("974",)
    assert found(lexicons, "à Vienne", "Vienne", coverage=("38",)).places.department == ("38",)


def test_the_countries_of_the_article_choose(lexicons: Lexicons) -> None:
    spanish = found(lexicons, "En Espagne, Madrid et Valence votent.", "Espagne", "Madrid", "Valence")
    assert spanish.places.country == ("ES",)


def test_the_north_is_a_direction_unless_something_says_otherwise(lexicons: Lexicons) -> None:
    assert found(lexicons, "dans le Nord du pays", "Nord").places.detail == ()
    assert found(lexicons, "le département du Nord", "Nord").places.department == ("59",)
    assert found(lexicons, "dans le Nord", "Nord", coverage=("59",)).places.department == ("59",)
    assert found(lexicons, "à Douai (Nord)", "Douai", "Nord").places.department == ("59",)


def test_a_place_has_name_country_position_and_evidence(lexicons: Lexicons) -> None:
    result = found(lexicons, "À Kyiv comme à Kiev, les Ukrainiens attendent.", "Kyiv", "Kiev")
    assert result.places.detail == (
        Place(
            name="Kiev",
            kind="city",
            country="UA",
            location=GeoPoint(50.455, 30.524),
            count=2,
            evidence=("Kyiv", "Kiev"),
        ),
    )
    assert result.names == {"Kyiv": "Kiev", "Kiev": "Kiev"}


def test_a_country_spoken_of_twice_is_a_place(lexicons: Lexicons) -> None:
    once = found(lexicons, "Le président russe a parlé.")
    twice = found(lexicons, "Le président russe a parlé aux journalistes russes.")
    assert once.places.detail == ()
    assert [(p.name, p.count, p.evidence) for p in twice.places.detail] == [
        ("Russie", 2, ("demonym:russe", "demonym:russes"))
    ]


def test_the_title_makes_the_primary_place(lexicons: Lexicons) -> None:
    text = "À Lyon et à Paris. À Lyon encore."
    assert found(lexicons, text, "Lyon", "Paris").primary == "Lyon"
    assert found(lexicons, text, "Lyon", "Paris", title="Paris attend, Paris espère").primary == "Paris"
    assert found(lexicons, "Rien.").primary is None


def test_the_own_country_gives_way_to_a_town(lexicons: Lexicons) -> None:
    assert found(lexicons, "En France, à Tulle.", "France", "Tulle").primary == "Tulle"


def test_unknown_names_are_no_places(lexicons: Lexicons) -> None:
    assert found(lexicons, "à Trifouillis-les-Brumes", "Trifouillis-les-Brumes").places.detail == ()

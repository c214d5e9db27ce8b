import pytest

from processors.gazetteer import Gazetteer, demonym_forms
from processors.models import Lexicons


@pytest.mark.parametrize(
    ("masculine", "forms"),
    [
        ("russe", ("russe", "russes")),
        ("français", ("français", "française", "françaises")),
        ("italien", ("italien", "italienne", "italiens", "italiennes")),
        ("letton", ("letton", "lettonne", "lettons", "lettonnes")),
        ("grec/grecque", ("grec", "grecque", "grecs", "grecques")),
    ],
)
def test_demonyms_in_all_forms(masculine: str, forms: tuple[str, ...]) -> None:
    assert demonym_forms(masculine) == forms


@pytest.mark.parametrize(
    ("name", "country", "kind"),
    [
        ("Londres", "GB", "city"),
        ("Kyiv", "UA", "city"),
        ("Lougansk", "UA", "city"),
        ("Etats-Unis", "US", "country"),
        ("RDC", "CD", "country"),
        ("Haute-Savoie", "FR", "department"),
        ("Provence-Alpes-Côte d’Azur", "FR", "region"),
        ("Crimée", "UA", "region"),
        ("Texas", "US", "region"),
    ],
)
def test_known_under_french_and_other_names(lexicons: Lexicons, name: str, country: str, kind: str) -> None:
    best = lexicons.gazetteer.candidates(name)[0].place
    assert (best.country, best.kind) == (country, kind)


def test_one_city_has_one_french_name(lexicons: Lexicons) -> None:
    names = {lexicons.gazetteer.candidates(name)[0].place.name for name in ("Kiev", "Kyiv", "Kyïv")}
    assert names == {"Kiev"}


@pytest.mark.parametrize(
    ("words", "before", "full"),
    [
        ("Caire", "il se rend au ", "Le Caire"),
        ("Havre", "la ville du ", "Le Havre"),
        ("Sables-d'Olonne", "le départ des ", "Les Sables-d'Olonne"),
        ("Réunion", "à La ", "La Réunion"),
        ("Paris", "la mairie de ", None),
        ("Lyon", "", None),
    ],
)
def test_articles_that_belong_to_the_name(lexicons: Lexicons, words: str, before: str, full: str | None) -> None:
    assert lexicons.gazetteer.with_article(words, before) == full


def test_towns_of_the_departments_table_have_their_department(lexicons: Lexicons) -> None:
    found = {
        name: {c.place.department for c in lexicons.gazetteer.candidates(name) if c.place.kind == "city"}
        for name in ("Saint-Denis", "Montreuil", "Vienne")
    }
    assert {"93", "974"} <= found["Saint-Denis"]
    assert {"93", "62"} <= found["Montreuil"]
    assert "38" in found["Vienne"]


def test_a_town_is_the_place_that_bears_its_name_not_one_that_is_also_called_so(lexicons: Lexicons) -> None:
    (saint_malo,) = {c.place for c in lexicons.gazetteer.candidates("Saint-Malo") if not c.alternate}
    assert (saint_malo.name, saint_malo.department) == ("Saint-Malo", "35")


def test_every_department_and_region_is_there(lexicons: Lexicons) -> None:
    kinds = [c.place for found in lexicons.gazetteer._candidates.values() for c in found]
    assert len({place.department for place in kinds if place.kind == "department"}) == 101
    assert len({place.name for place in kinds if place.kind == "region" and place.country == "FR"}) == 13


def test_a_line_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="kind"):
        Gazetteer.from_lines(["X\tplanet\tFR\t1\t2\t3\t\t\t\t\t\n"], {})
    with pytest.raises(ValueError, match="zip"):
        Gazetteer.from_lines(["X\tcity\n"], {})

import pytest

from processors.language import detect
from schemas.labels import Language

FRENCH = "Le conseil municipal a voté hier soir la rénovation de l’école du quartier de la gare."
OTHERS = {
    "oc": "Lo conselh municipal a votat aièr de ser la renovacion de l’escòla del quartièr de la gara de Tolosa.",
    "ca": "El consell municipal va votar ahir al vespre la renovació de l’escola del barri de l’estació.",
    "br": "Kuzul-kêr en deus divizet dec’h da noz adneveziñ ar skol e karter an ti-gar e Kemper.",
    "eu": "Udal batzarrak atzo arratsaldean onartu zuen geltoki auzoko eskolaren berritzea Baionan.",
    "en": "The city council voted last night to renovate the school near the railway station.",
}
NOT_KNOWN_TO_THE_MODEL = {
    "Corsican": "U cunsigliu municipale hà vutatu arisera a rinnuvazione di a scola di u quartieru di a stazione.",
    "Alsatian": "Dr Gemeinderot het geschter z’Owe d’Renovierung vun de Schuel im Bahnhofviertel beschlosse.",
}


def test_french_is_french() -> None:
    assert detect(FRENCH).code == "fr"
    assert detect(FRENCH).confidence > 0.9


@pytest.mark.parametrize("code", sorted(OTHERS))
def test_neighbours_and_regional_languages_are_told(code: str) -> None:
    assert detect(OTHERS[code], hint="fr").code == code


@pytest.mark.parametrize("language", sorted(NOT_KNOWN_TO_THE_MODEL))
def test_languages_the_model_lacks_are_not_called_french(language: str) -> None:
    assert detect(NOT_KNOWN_TO_THE_MODEL[language], hint="fr").code != "fr"


def test_the_body_decides_against_title_and_feed() -> None:
    assert detect(OTHERS["br"], title="Le conseil municipal et l’école", hint="fr").code == "br"
    assert detect(FRENCH, title=OTHERS["en"], hint="en").code == "fr"


def test_a_short_text_is_in_the_language_of_its_feed() -> None:
    assert detect("", title="Salles obscures", hint="fr-FR") == Language(code="fr", confidence=0.5)
    assert detect(None, title="Corsa corsée", hint="br").code == "br"


def test_a_title_stands_in_for_a_missing_body() -> None:
    assert detect(None, title="Grève à la SNCF : un train sur deux mardi matin").code == "fr"


def test_a_near_miss_of_a_short_title_goes_to_the_declared_language() -> None:
    title = "Tennis. Muguruza chute en demies à Shenzhen"
    assert (detect(None, title=title, hint="fr").code, detect(None, title=title).code) == ("fr", "br")


@pytest.mark.parametrize("hint", ["", "français", "x", "12", None])
def test_a_hint_that_is_no_tag_is_ignored(hint: str | None) -> None:
    assert detect("", title="Le chat dort sur la table de la cuisine", hint=hint).code == "fr"


def test_a_foreign_opening_does_not_decide_a_long_page() -> None:
    assert detect(OTHERS["en"] + "\n" + (FRENCH + "\n") * 40).code == "fr"

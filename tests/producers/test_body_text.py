import pytest

from producers.body_text import article_lines, opens_with

BODY = [
    "Il aura fallu six mois, quatre mille tonnes de pierre et une patience de marinier pour rouvrir le canal.",
    "Les ingénieurs ont d’abord cru à une réparation d’un mois, puis ils ont tout repris depuis le fond.",
]


def lines(*extra: str, headings: tuple[str, ...] = ()) -> list[str]:
    return article_lines("\n".join(extra), headings=headings).split("\n")


def test_title_and_standfirst_on_top_are_not_repeated() -> None:
    headings = ("Le canal rouvre lundi", "La brèche de Pontivy est comblée, les premiers bateaux passeront lundi.")
    on_top = ("Le canal rouvre lundi !", "La brèche de Pontivy est comblée ; les premiers bateaux passeront lundi.")
    assert lines(*on_top, *BODY, headings=headings) == BODY


@pytest.mark.parametrize(
    "furniture",
    [
        "Lire aussi : Sur la Loire, les bacs reprennent du service",
        ">> A lire aussi : Pour revivre le match, c’est par ici",
        "À lire également",
        "Voir les contributions",
        "Partager sur Facebook",
        "Publié le 12 mars 2026 à 18h30",
        "Temps de lecture : 3 min",
        "Photo : Le Canal / Y. Cosquer",
        "Publicité",
        "- Les plus lus",
        "S’inscrire à la newsletter du matin",
        "— Le Canal (@lecanal) March 12, 2026",
    ],
)
def test_what_pages_put_around_articles_goes(furniture: str) -> None:
    assert lines(BODY[0], furniture, BODY[1]) == BODY


@pytest.mark.parametrize(
    "sentence",
    [
        "« Non. »",
        "Une saison sauvée",
        "Lire fut sa vie.",
        "Partager le pain, disait-elle, c’est partager le temps.",
        "Publié en 1922, le livre a disparu des librairies.",
        "- une nouvelle frappe de Balotelli, bien repoussée (46e) ;",
    ],
)
def test_short_sentences_of_the_article_stay(sentence: str) -> None:
    assert lines(BODY[0], sentence, BODY[1]) == [BODY[0], sentence, BODY[1]]


def test_a_pull_quote_stays_once_in_its_paragraph() -> None:
    quote = "quatre mille tonnes de pierre et une patience de marinier"
    assert lines(BODY[0], quote, BODY[1]) == BODY


def test_a_paragraph_that_occurs_twice_stays_once() -> None:
    assert lines(*BODY, BODY[0]) == BODY


def test_a_title_within_the_text_is_not_searched_for() -> None:
    many = [f"Paragraphe numéro {number}, avec assez de mots pour en être un." for number in range(6)]
    assert lines(*many, "Le canal rouvre", headings=("Le canal rouvre",))[-1] == "Le canal rouvre"


def test_text_is_nfc_and_without_empty_lines() -> None:
    assert article_lines("e\u0301te\u0301\n\n  \nfin", headings=()) == "été\nfin"


def test_opens_with() -> None:
    assert opens_with(BODY[0], "Il aura fallu six mois, quatre mille tonnes…")
    assert not opens_with(BODY[0], "Les ingénieurs")

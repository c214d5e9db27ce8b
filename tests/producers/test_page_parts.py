"""What a page says of itself: JSON-LD, access, rights, agency, genre, verdict."""

import json

import pytest
from lxml import html

from producers.access import readable_text
from producers.agency import acronym, agency_credits
from producers.genre import genre_of, is_sponsored
from producers.json_ld import ArticleData, article_data
from producers.page_metadata import page_metadata
from producers.rights import page_rights, text_may_be_kept
from producers.standfirst import set_apart
from producers.verdict import speaks_of, verdict
from schemas.articles import Access, Rights

URL = "https://www.lecanal.example/a.html"


# --- JSON-LD --------------------------------------------------------------------------------------------------------


def told(node: object) -> ArticleData | None:
    return article_data([json.dumps(node)], URL)


def test_the_node_of_this_page_wins_over_the_first() -> None:
    graph = {
        "@graph": [
            {"@type": "NewsArticle", "headline": "Autre", "datePublished": "2026-01-01", "url": "/b"},
            {"@type": "NewsArticle", "headline": "Celui-ci", "mainEntityOfPage": URL},
        ]
    }
    found = told(graph)
    assert found is not None
    assert found.headline == "Celui-ci"


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        (False, False), ("False", False), ("false", False), ("https://schema.org/False", False), ("No", False),
        (True, True), ("True", True), ("http://schema.org/True", True), ("Yes", True),
        (None, None), ("peut-être", None),
    ],
)  # fmt: skip
def test_spellings_of_free(free: object, expected: bool | None) -> None:
    found = told({"@type": "NewsArticle", "isAccessibleForFree": free})
    assert found is not None
    assert found.free is expected


def test_a_hidden_part_makes_an_article_subscribers_only_unless_it_says_that_it_is_free() -> None:
    part = {"@type": "WebPageElement", "isAccessibleForFree": False}
    silent = told({"@type": "Article", "hasPart": part})
    open_ = told({"@type": "Article", "isAccessibleForFree": True, "hasPart": [part]})
    assert silent is not None
    assert open_ is not None
    assert (silent.free, open_.free) == (False, True)


@pytest.mark.parametrize(
    "script",
    [
        '{"@type":"NewsArticle","headline":"Titre",}',
        '<!-- {"@type":"NewsArticle","headline":"Titre"} -->',
        '//<![CDATA[\n{"@type":"NewsArticle","headline":"Titre"}\n//]]>',
        '{"@type":"NewsArticle","headline":"Titre","description":"une\nligne"};',
    ],
)
def test_broken_scripts_are_read(script: str) -> None:
    found = article_data([script], URL)
    assert found is not None
    assert found.headline == "Titre"


@pytest.mark.parametrize("script", ["", "{", "[" * 5000, '"x"', '{"@type":"Organization"}', '{"@type":["WebSite"]}'])
def test_scripts_without_an_article(script: str) -> None:
    assert article_data([script], URL) is None


def test_authors_in_all_forms() -> None:
    for author in (
        "Solène Quéré",
        {"name": "Solène Quéré"},
        [{"@type": "Person", "name": ["Solène Quéré"]}],
        [{"name": "Solène Quéré"}, "https://www.lecanal.example/auteurs/sq"],
    ):
        found = told({"@type": "Article", "author": author})
        assert found is not None
        assert found.authors == ("Solène Quéré",)


# --- access ---------------------------------------------------------------------------------------------------------

TAILS = [
    "Il vous reste 61.86% de cet article à lire. La suite est réservée aux abonnés.",
    "Il vous reste 82 % à découvrir.",
    "Cet article est réservé aux abonnés. Il vous reste 77% à découvrir.",
    "La suite de cet article est réservée à nos abonnés",
]


@pytest.mark.parametrize("tail", TAILS)
def test_a_subscription_tail_is_evidence_and_goes(tail: str) -> None:
    text, access = readable_text(f"Un.\nDeux.\n{tail}", free=None, page_text="")
    assert text == "Un.\nDeux."
    assert (access.status, access.truncated, len(access.evidence)) == ("subscriber", True, 1)


@pytest.mark.parametrize(
    "page_text",
    [
        "L’espace des contributions est réservé aux abonnés.",
        "Ce service est réservé aux abonnés.",
        "Article réservé aux abonnés À lire ensuite",
    ],
)
def test_sentences_about_something_else_are_no_evidence(page_text: str) -> None:
    assert readable_text("Un.\nDeux.", free=None, page_text=page_text) == ("Un.\nDeux.", Access())


def test_what_json_ld_says_of_a_free_article_stands() -> None:
    _, access = readable_text("Un.", free=True, page_text="Cet article est réservé aux abonnés")
    assert (access.status, access.truncated) == ("free", False)


# --- rights ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "meta", "reserved"),
    [(None, None, None), ("1", None, True), (None, "1", True), (None, "0", False), ("1", "0", True), ("x", None, None)],
)
def test_reservation(header: str | None, meta: str | None, reserved: bool | None) -> None:
    headers = {"tdm-reservation": header} if header else {}
    assert page_rights(headers, reservation=meta, policy=None, robots="").tdm_reserved is reserved


def test_robots_directives_are_kept_once_in_lower_case() -> None:
    rights = page_rights(
        {"x-robots-tag": "noarchive, max-snippet:-1"}, reservation=None, policy=None, robots="NOARCHIVE"
    )
    assert rights.robots == ("noarchive", "max-snippet:-1")


@pytest.mark.parametrize(
    ("reserved", "basis", "kept"),
    [
        (True, "art4", False),
        (True, "research", True),
        (True, "licence", True),
        (None, "art4", True),
        (False, "art4", True),
    ],
)
def test_whether_text_may_be_kept(reserved: bool | None, basis: str, kept: bool) -> None:
    assert text_may_be_kept(Rights(tdm_reserved=reserved), basis) is kept  # type: ignore[arg-type]


# --- agency ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authors", "text", "agencies"),
    [
        (("AFP",), "", ("AFP",)),
        (("Le Figaro avec AFP",), "", ("AFP",)),
        (("Le Canal avec l’agence APL",), "", ("APL",)),
        (("La rédaction, avec Reuters et AFP",), "", ("Reuters", "AFP")),
        (("Agence France-Presse",), "", ("AFP",)),
        (("Jean Apfel",), "", ()),
        ((), "PARIS (Reuters) - Un accord a été trouvé.\nFin.", ("Reuters",)),
        ((), "Un accord.\nFin du texte. (AFP)", ("AFP",)),
        ((), "Un accord.\nAvec AFP", ("AFP",)),
        ((), "Un accord, a dit le ministre à l’AFP.\nIl viendra demain.", ()),
    ],
)
def test_agency_credits(authors: tuple[str, ...], text: str, agencies: tuple[str, ...]) -> None:
    assert agency_credits(authors, text) == agencies


@pytest.mark.parametrize(
    ("name", "credit"), [("Agence France-Presse", "AFP"), ("Agence Presse Libre", "APL"), ("Reuters", "Reuters")]
)
def test_acronym(name: str, credit: str) -> None:
    assert acronym(name) == credit


# --- genre ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "genre"),
    [
        ({"json_ld_type": "liveblogposting"}, "live"),
        ({"title": "EN DIRECT. Crue de la Loire : trois communes évacuées"}, "live"),
        ({"title": "Crue de la Loire en direct : le point à midi"}, "live"),
        ({"title": "Le bac en direct de Nantes"}, "other"),
        ({"section": "Idées"}, "opinion"),
        ({"title": "TRIBUNE. « Rendons le canal aux mariniers »"}, "opinion"),
        ({"path": "/interview/untel.html"}, "interview"),
        ({"title": "Enquête : les comptes secrets"}, "report"),
        ({"signed_by_agency": True}, "dispatch"),
        ({}, "other"),
    ],
)
def test_genre(facts: dict[str, object], genre: str) -> None:
    given = {"json_ld_type": "", "title": "", "section": "", "path": "/a.html", "signed_by_agency": False} | facts
    assert genre_of(**given) == genre  # type: ignore[arg-type]


def test_sponsored() -> None:
    assert is_sponsored(json_ld_type="", section="Contenu partenaire", path="/", keywords=())
    assert not is_sponsored(json_ld_type="newsarticle", section="Économie", path="/a", keywords=("partenariat",))


# --- verdict --------------------------------------------------------------------------------------------------------


def judged(title: str, text: str, *, marked: bool = False, announced: str | None = None) -> str:
    return verdict(
        titles=(title,), text=text, page_text=f"{title} {text}", marked_as_article=marked, announced_title=announced
    )


LONG = "Le canal rouvre lundi, dit la région, après six mois de travaux sur la berge. " * 30


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("Le canal rouvre", LONG, "article"),
        ("Votre choix sur les cookies", "Nos partenaires stockent des cookies. Votre consentement.", "consent_wall"),
        ("Erreur 404", "Revenez à l’accueil.", "error_page"),
        ("Attention Required! | Cloudflare", "", "robot_check"),
        ("Vérifions que vous n’êtes pas un robot", "", "robot_check"),
        ("Le canal", "Court.", "no_text"),
        ("Fin des cookies : ce que la Cnil prépare", LONG, "article"),
        ("Le 404, ce bateau qui dérange", LONG, "article"),
    ],
)
def test_verdict(title: str, text: str, expected: str) -> None:
    assert judged(title, text) == expected


def test_a_short_teaser_that_is_marked_as_an_article_is_one() -> None:
    assert (
        judged("Cookies : la Cnil tranche", "Un teaser.", marked=True, announced="Cookies : la Cnil tranche")
        == "article"
    )


def test_speaks_of_needs_a_third_of_the_longer_words() -> None:
    assert speaks_of("Le canal de Nantes rouvre lundi", "À Nantes, le canal")
    assert not speaks_of("Le canal de Nantes rouvre lundi", "Handball : Quimper champion")
    assert speaks_of("À la une", "n’importe quoi")


# --- metadata and standfirst ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "without_site"),
    [
        ("Le canal rouvre | Le Canal", "Le canal rouvre"),
        ("Le canal rouvre lundi - Transports - Le Canal", "Le canal rouvre lundi"),
        ("Canal : le chantier continue", "Canal : le chantier continue"),
    ],
)
def test_the_site_is_no_part_of_the_title(title: str, without_site: str) -> None:
    root = html.document_fromstring(f"<html><head><title>{title}</title></head><body></body></html>")
    assert page_metadata(root, URL).titles == (without_site,)


def test_a_description_is_a_standfirst_only_where_it_stands_apart() -> None:
    long = "<p>" + "mot " * 40 + "</p>"
    apart = html.document_fromstring(f"<div><p>Le chapeau.</p></div><div>{long * 3}</div>")
    among = html.document_fromstring(f"<div><p>Le chapeau.</p>{long * 3}</div>")
    assert set_apart(apart, ("Le chapeau.",)) == ("Le chapeau.",)
    assert set_apart(among, ("Le chapeau.",)) == ()

"""French analysis on the real server: which words become which terms."""

from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from sinks.analysis import FRENCH, FRENCH_EXACT, FRENCH_PREFIX
from sinks.elasticsearch import ensure_indices
from sinks.mapping import index_names
from tests.sinks.servers import client_of, options_on

pytestmark = pytest.mark.servers

Analyze = Any


@pytest.fixture(scope="module")
def analyze(stack: Any) -> Iterator[Analyze]:
    chosen = options_on(stack)
    with client_of(chosen) as client:
        ensure_indices(client, chosen)
        index = index_names(chosen.index_prefix).articles

        def terms(analyzer: str, text: str) -> list[str]:
            return analyzed(client, index, analyzer, text)

        yield terms


def analyzed(client: Elasticsearch, index: str, analyzer: str, text: str) -> list[str]:
    return [token["token"] for token in client.indices.analyze(index=index, analyzer=analyzer, text=text)["tokens"]]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        pytest.param("Le Pen", ["le", "pen"], id="a name keeps its article"),
        pytest.param("le stylo", ["stylo"], id="an article goes"),
        pytest.param("La Poste", ["la", "post"], id="La Poste"),
        pytest.param("le poste", ["post"], id="le poste"),
        pytest.param("La Réunion", ["la", "reunion"], id="La Réunion"),
        pytest.param("la réunion", ["reunion"], id="la réunion"),
        pytest.param("l’élection", ["election"], id="elision"),
        pytest.param("Qu’il s’agisse d’élections", ["agis", "election"], id="elisions"),
        pytest.param("élections", ["election"], id="plural"),
        pytest.param("O.N.U.", ["onu"], id="an acronym with full stops"),
        pytest.param("ONU", ["onu"], id="an acronym"),
        pytest.param("la S.N.C.F, puis", ["sncf", "pui"], id="an acronym without its last full stop"),
        pytest.param("M. J.-F. Rey", ["m", "j", "f", "rey"], id="initials"),
        pytest.param("12.5 %", ["12.5"], id="a number"),
        pytest.param("cœur", ["coeu"], id="ligature"),
        pytest.param("coeur", ["coeu"], id="no ligature"),
        pytest.param("aujourd’hui", ["aujourd'hui"], id="typographic apostrophe"),
        pytest.param("aujourd'hui", ["aujourd'hui"], id="typewriter apostrophe"),
        pytest.param("MES", ["mes"], id="MES"),
        pytest.param("mes", [], id="mes"),
        pytest.param("EU", ["eu"], id="EU"),
        pytest.param("eu", [], id="eu"),
        pytest.param("Elle", ["elle"], id="Elle"),
        pytest.param("elle", [], id="elle"),
        pytest.param("émissaire américain", ["emisair", "americain"], id="accents and endings"),
        pytest.param("emissaire americain", ["emisair", "americain"], id="typed without accents"),
        pytest.param("États-Unis", ["etat", "uni"], id="hyphen"),
        pytest.param("porte\u00adfeuille", ["portefeuil"], id="soft hyphen"),
    ],
)
def test_french(analyze: Analyze, text: str, terms: list[str]) -> None:
    assert analyze(FRENCH, text) == terms


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        pytest.param("Les élections de l’O.N.U.", ["les", "elections", "de", "onu"], id="every word, every ending"),
        pytest.param("Œuvres d’Éluard", ["oeuvres", "eluard"], id="ligature and accents"),
    ],
)
def test_exact(analyze: Analyze, text: str, terms: list[str]) -> None:
    assert analyze(FRENCH_EXACT, text) == terms


def test_word_beginnings(analyze: Analyze) -> None:
    assert analyze(FRENCH_PREFIX, "L’été à Sète") == ["et", "ete", "a", "se", "set", "sete"]

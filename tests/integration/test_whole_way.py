"""From feeds to search through every service, on the real servers: what the newsstand says must be, is.

The user's own seed article goes the same way when the corpus is there; its text is never part of the project.
"""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from deploy.demo_verdict import shortfalls
from deploy.newsstand import parse_article
from deploy.newsstand.expectations import expectations, searches
from deploy.pipeline import SERVICES
from producers.canonical import article_id
from sinks.elasticsearch import connect
from sinks.lookups import find_article
from sinks.search import Search, run_search
from tests.integration.open_newsstand import open_newsstand
from tests.services import Installation, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

SEED_PATH = "/international/article/sommet_1.html"
SEED_URL = f"http://www.lecadran.example{SEED_PATH}"
SEED = f"""+++
publisher = "lecadran.example"
path = "{SEED_PATH}"
section = "International"
title = "Un accord de principe pour un sommet entre Donald Trump et Vladimir Poutine"
standfirst = ""
published = "1h"
feeds = ["international"]
+++
"""


def test_every_article_of_the_newsstand_ends_as_it_must(installation: Installation):
    prefix = installation.index_prefix
    with (
        open_newsstand(installation.folder) as (_, settings),
        closing(connect(installation.stack.elasticsearch)) as index,
    ):
        installation.settings |= settings
        with installation.running(*SERVICES):
            wait_until(
                lambda: not shortfalls(index, expectations(), index_prefix=prefix), "all is as it must be", seconds=180
            )
        for wanted in searches():
            result = run_search(index, Search(query=wanted.query), index_prefix=prefix)
            found = {hit.url for hit in result.hits} | {other.url for hit in result.hits for other in hit.others}
            urls = {e.url for e in expectations() if e.name in wanted.must_find}
            assert urls <= found, wanted.query


@pytest.mark.corpus
def test_seed_article_comes_out_with_its_names_places_and_topics(installation: Installation, corpus: Path):
    seed = parse_article("seed", SEED + (corpus / "seed_article.txt").read_text(encoding="utf-8").replace("\n", "\n\n"))
    prefix = installation.index_prefix
    with (
        open_newsstand(installation.folder, [seed]) as (_, settings),
        closing(connect(installation.stack.elasticsearch)) as index,
    ):
        installation.settings |= settings
        with installation.running(*SERVICES):
            wait_until(
                lambda: find_article(index, article_id(SEED_URL), index_prefix=prefix), "the seed article", seconds=180
            )
            wait_until(lambda: SEED_URL in found_by(installation, "sommet Poutine"), "it is found by its names")
            wait_until(
                lambda: SEED_URL in found_by(installation, "l'émissaire americain"), "it is found without accent"
            )
        document = find_article(index, article_id(SEED_URL), index_prefix=prefix).document
    assert document["language"] == "fr"
    persons = document["entities"]["person"]
    assert {"Donald Trump", "Vladimir Poutine", "Volodymyr Zelensky", "Iouri Ouchakov", "Steve Witkoff"} <= set(persons)
    assert not {"Trump", "Poutine", "Zelensky", "Ouchakov", "Witkoff", "Washington"} & set(persons)
    places = "Russie États-Unis Ukraine Moscou Kiev Washington Osaka Donetsk Lougansk Zaporijjia Kherson Crimée"
    assert set(places.split()) <= set(document["places"]["name"])
    named = {entity["name"]: entity["kind"] for entity in document["entities"]["detail"]}
    assert {"Otan", "G20", "Kremlin"} <= set(named)
    assert {"PER", "LOC"}.isdisjoint({named["Otan"], named["G20"]})
    assert set(document["topics"]["code"][:2]) == {"medtop:16000000", "medtop:11000000"}


def found_by(installation: Installation, query: str) -> str:
    """What a person sees who types `kiosque search QUERY`."""
    command = [sys.executable, "-m", "deploy.cli", "search", query]
    done = subprocess.run(command, env=installation.environment(), capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout

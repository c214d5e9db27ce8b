"""The expectations cover every article and agree with it."""

from deploy.newsstand.behaviours import is_disallowed
from deploy.newsstand.expectations import Expectation, article_page_url, expectations, searches

BY_NAME = {expected.name: expected for expected in expectations()}


def test_one_expectation_for_each_article(stand):
    assert sorted(expected.name for expected in expectations()) == sorted(article.name for article in stand.articles)


def test_the_corrected_article():
    assert BY_NAME["phare-ecole-rennes"] == Expectation(
        name="phare-ecole-rennes",
        url="http://www.phare-ouest.example/education/rennes-l-ecole-louise-michel-rouvre-7ab023",
        title="Rennes : l’école Louise-Michel rouvrira jeudi, et non lundi",
        publisher="phare-ouest.example",
        language="fr",
        disposition="indexed",
        text_source="page",
        access="free",
        revision=2,
        story="phare-ecole-rennes",
        relation="",
        agency="",
        topics=("medtop:05000000",),
        persons=("Corentin Le Gallic", "Fatoumata Sylla", "Bérengère Coatanlem"),
        places=("Rennes",),
        organizations=(),
    )


def test_dispositions_follow_from_the_articles(stand, urls_of):
    for article in stand.articles:
        expected = BY_NAME[article.name]
        url = stand.url_of(article)
        assert (expected.disposition == "not_french") is (article.language != "fr")
        assert (expected.disposition == "robots_disallowed") is is_disallowed(stand, article)
        assert (expected.disposition == "before_start") is (url in urls_of("before_start"))
        assert (expected.text_source == "feed") is (article.wall == "cookies")
        assert (expected.access == "subscriber") is (article.wall == "paywall")


def test_the_agency_story_has_four_articles():
    story = {expected.name: expected.relation for expected in expectations() if expected.story == "apl-cargo-ouessant"}
    assert story == {
        "apl-cargo-ouessant": "",
        "cadran-cargo-ouessant": "copy",
        "phare-cargo-ouessant": "edited",
        "alize-cargo-ouessant": "brief",
    }
    assert {expected.agency for expected in expectations() if expected.name in story} == {"APL"}


def test_expected_persons_are_named_in_full_in_what_a_reader_gets(stand):
    for expected in expectations():
        article = stand.article_by_name[expected.name]
        blocks = article.blocks[: article.teaser_blocks] if article.wall == "paywall" else article.blocks
        text = " ".join([article.title, article.standfirst, *(block.text for block in blocks)])
        assert [person for person in expected.persons if person not in text] == []


def test_topics_cover_all_17_top_levels_of_iptc():
    tops = {code for expected in expectations() for code in expected.topics[:1]}
    assert tops == {f"medtop:{number:02}000000" for number in range(1, 18)}


def test_searches_name_indexed_articles_only():
    found = {name for search in searches() for name in search.must_find}
    assert {BY_NAME[name].disposition for name in found} == {"indexed"}
    assert len(searches()) == 12


def test_article_page_url():
    assert article_page_url("canigou-correfoc").startswith("http://www.canigou-info.example/en-catala/")

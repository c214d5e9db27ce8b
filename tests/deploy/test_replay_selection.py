from datetime import UTC, datetime, timedelta

import pytest

from deploy.errors import UserError
from deploy.replay.selection import Selection, selection
from schemas.articles import Publisher
from tests.articles import NOON, article_id, enriched, minutes

URL = "http://www.phare-ouest.example/cantine.html"
NOTHING = {"everything": False, "publisher": None, "url": None, "since": None, "until": None}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"everything": True}, Selection()),
        ({"publisher": "phare-ouest.example"}, Selection(publisher="phare-ouest.example")),
        ({"url": f"{URL}?utm_source=rss#xtor=1"}, Selection(url=URL)),
        (
            {"since": datetime(2026, 11, 25, 12, 0), "until": datetime(2026, 11, 26)},  # noqa: DTZ001  # as typed
            Selection(
                since=datetime(2026, 11, 25, 12, 0).astimezone(UTC),
                until=datetime(2026, 11, 26).astimezone(UTC),
            ),
        ),
    ],
)
def test_options_become_a_selection(options, expected):
    assert selection(**{**NOTHING, **options}) == expected


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({}, "nothing is chosen", id="nothing"),
        pytest.param({"everything": True, "publisher": "x.example"}, "exclude each other", id="all and less"),
        pytest.param({"since": NOON, "until": NOON}, "--since is not before --until", id="empty period"),
        pytest.param({"url": "cantine.html"}, "'cantine.html' is not the address", id="no URL"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, problem):
    with pytest.raises(UserError, match=problem):
        selection(**{**NOTHING, **options})


@pytest.mark.parametrize(
    ("chosen", "covered"),
    [
        (Selection(), True),
        (Selection(publisher="phare-ouest.example"), True),
        (Selection(publisher="phare-ouest"), False),
        (Selection(url=URL), True),
        (Selection(url="http://www.phare-ouest.example/autre.html"), False),
        (Selection(since=NOON), True),
        (Selection(since=NOON + minutes(1)), False),
        (Selection(until=NOON + minutes(1)), True),
        (Selection(until=NOON), False),
        (Selection(since=NOON, until=NOON + timedelta(seconds=1), publisher="phare-ouest.example", url=URL), True),
        (Selection(since=NOON, publisher="autre.example"), False),
    ],
)
def test_a_selection_covers_what_has_all_that_is_named(chosen, covered):
    assert chosen.covers(enriched("cantine")) is covered


def test_publisher_is_the_articles_own():
    article = enriched("cantine", publisher=Publisher(id="autre.example", name="Autre"))
    assert not Selection(publisher="phare-ouest.example").covers(article)


def test_one_article_is_found_by_its_record_key():
    assert Selection(url=URL).key == article_id(URL).encode()
    assert Selection(publisher="x.example").key is None

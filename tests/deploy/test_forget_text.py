"""What a person reads when something is forgotten: what goes, what was done, what remains and until when."""

from datetime import UTC, datetime

from deploy.forget.operation import Forgotten
from deploy.forget.remains import remains
from deploy.forget.targets import Concerned, Targets, article_orders
from deploy.forget.text import request_lines, result_json, result_lines
from tests.articles import NOON, article_id

URL = "http://www.phare-ouest.example/cantine.html"
MIDNIGHT = datetime(2026, 11, 25, tzinfo=UTC)


def test_every_topic_that_holds_text_is_named_with_its_last_day() -> None:
    until = {place.where: place.until for place in remains("kq.", MIDNIGHT)}
    assert {where: day and day.date().isoformat() for where, day in until.items()} == {
        "kq.articles.fetched": "2027-01-01",  # 30 days and a segment's week
        "kq.articles.unique": "2026-12-10",
        "kq.articles.reenrich": "2026-12-10",
        "kq.articles.tagged": "2026-12-10",
        "kq.articles.redelivered": "2026-12-10",
        "kq.articles.dead": "2027-03-02",
        "kq.articles.trace": "2027-01-01",
        "kq.articles.enriched": None,
        "kq.feeds.state": None,
        "Elasticsearch": None,
        "elsewhere": None,
    }


def test_what_will_go_is_shown_before() -> None:
    asked = Targets((URL,), ("http://b.example/",), ("tiers.example",))
    concerned = Concerned(asked)
    for number in range(22):
        concerned.note_id(article_id(str(number)), f"http://b.example/{number}")
    assert list(request_lines(asked, concerned)) == [
        "To be forgotten, now and whenever it is announced again:",
        f"  {URL}",
        "  everything below http://b.example/",
        "  everything of publisher tiers.example",
        "22 articles are known that this concerns:",
        *(f"  http://b.example/{number}" for number in range(20)),
        "  and 2 more",
    ]


def test_addresses_cannot_command_the_terminal() -> None:
    concerned = Concerned(Targets())
    concerned.note_id("0" * 32, "http://b.example/\x1b[2J")
    assert list(request_lines(Targets(), concerned))[-1] == "  http://b.example/�[2J"


def test_what_was_done_and_what_remains() -> None:
    done = Forgotten(tuple(article_orders([article_id(URL)], "forgotten", NOON)), (article_id(URL),))
    lines = list(result_lines(done, 3, remains("", MIDNIGHT)))
    assert lines[:4] == [
        "1 order is in force.",
        "1 article is withdrawn; the services delete what they come to.",
        "3 records could not be read and were passed over.",
        "What remains, and until when:",
    ]
    assert (
        lines[4] == "  articles.fetched      until 2027-01-01 at the latest: texts; no service publishes them any more"
    )
    assert lines[-1] == "  elsewhere             your own exports, and what subscribers keep who ignore withdrawals"


def test_the_same_for_machines() -> None:
    done = Forgotten(tuple(article_orders([article_id(URL)], "forgotten", NOON)), (article_id(URL), "f" * 32))
    found = result_json(done, 0, remains("", MIDNIGHT)[:1], 5)
    assert found == {
        "orders": [f"article:{article_id(URL)}"],
        "articles": 2,
        "unreadable": 0,
        "documents": 5,
        "remains": [
            {
                "where": "articles.fetched",
                "until": datetime(2027, 1, 1, tzinfo=UTC),
                "what": "texts; no service publishes them any more",
            }
        ],
    }

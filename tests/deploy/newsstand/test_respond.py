"""Each behaviour of the table, as a pure decision."""

import gzip
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.newsstand import BEHAVIOURS, Request, respond
from deploy.newsstand.delivery import accepts_gzip

OPENED_AT = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)  # as in conftest.py
CORRECTED = "phare-ecole-rennes"
FEED = "http://www.phare-ouest.example/rss/une.xml"


def test_every_behaviour_of_the_table_is_shown_somewhere(stand):
    assert [behaviour.name for behaviour in BEHAVIOURS if not behaviour.urls(stand)] == []


def test_a_page_answers_304_to_both_validators(ask, urls_of):
    (url,) = urls_of("agency_original")
    first = ask(url)
    assert first.status == 200
    assert ask(url, if_none_match=first.headers["ETag"]).status == 304
    assert ask(url, if_none_match=f'"other", W/{first.headers["ETag"]}').status == 304
    assert ask(url, if_modified_since=first.headers["Last-Modified"]).status == 304
    assert ask(url, if_modified_since="Wed, 01 Jan 2020 00:00:00 GMT").status == 200
    assert ask(url, if_modified_since="yesterday").status == 200


def test_if_none_match_goes_before_the_date(ask, urls_of):
    (url,) = urls_of("agency_original")
    date = ask(url).headers["Last-Modified"]
    assert ask(url, if_none_match='"other"', if_modified_since=date).status == 200


def test_a_304_has_validators_and_no_body(ask):
    first = ask(FEED)
    again = ask(FEED, if_none_match=first.headers["ETag"])
    assert (again.body, again.headers["ETag"]) == (b"", first.headers["ETag"])
    assert "Content-Length" not in again.headers


def test_one_publisher_sends_last_modified_only(ask, stand):
    (url,) = (stand.url_of(article) for article in stand.articles if article.name == "sciences-telescope-chili")
    headers = ask(url).headers
    assert "ETag" not in headers
    assert ask(url, if_modified_since=headers["Last-Modified"]).status == 304


def test_gzip_is_sent_to_those_who_take_it_and_keeps_the_validator(ask, urls_of):
    (url,) = urls_of("agency_original")
    plain, packed = ask(url), ask(url, accept_encoding="br, gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["ETag"] == "W/" + plain.headers["ETag"]
    assert ask(url, if_none_match=packed.headers["ETag"]).status == 304
    assert "Content-Encoding" not in ask(url, accept_encoding="gzip;q=0").headers


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("gzip", True),
        ("*", True),
        ("deflate", False),
        ("", False),
        ("gzip; q=0.0", False),
        ("br;q=1, gzip;q=0.5", True),
    ],
)
def test_accept_encoding(header, taken):
    assert accepts_gzip(header) is taken


def test_head_has_the_headers_of_get_and_counts_as_no_reading(ask, urls_of):
    (url,) = urls_of("corrected")
    get, head = ask(url), ask(url, method="HEAD")
    assert (head.headers, head.body, head.read_key) == (get.headers, b"", "")
    assert get.read_key == CORRECTED


def test_post_is_refused(ask, urls_of):
    response = ask(urls_of("corrected")[0], method="POST")
    assert (response.status, response.headers) == (405, {"Allow": "GET, HEAD"})


def test_the_corrected_article_changes_after_its_first_reading_and_never_before(ask, stand, urls_of):
    (url,) = urls_of("corrected")
    article = stand.article_by_name[CORRECTED]
    reads = {CORRECTED: OPENED_AT + timedelta(seconds=100)}
    before, after = ask(url, after=107.9, reads=reads), ask(url, after=108, reads=reads)
    assert article.title in before.body.decode()
    assert article.correction.title not in before.body.decode()
    assert article.correction.title in after.body.decode()
    assert article.correction.text in after.body.decode()
    assert article.blocks[1].text not in after.body.decode()
    assert ask(url, after=100_000).body == before.body  # nobody read it: it stays as it was


def test_validators_change_with_the_correction(ask, urls_of):
    (url,) = urls_of("corrected")
    reads = {CORRECTED: OPENED_AT + timedelta(seconds=100)}
    for address in (url, FEED):
        old, new = ask(address, after=100, reads=reads), ask(address, after=109, reads=reads)
        assert old.headers["ETag"] != new.headers["ETag"]
        assert old.headers["Last-Modified"] < new.headers["Last-Modified"]
        assert ask(address, after=109, reads=reads, if_none_match=old.headers["ETag"]).status == 200
        assert ask(address, after=109, reads=reads, if_modified_since=old.headers["Last-Modified"]).status == 200


@given(seconds=st.lists(st.floats(min_value=0, max_value=40), min_size=2, max_size=2))
def test_validators_are_equal_exactly_when_the_bodies_are(ask, stand, seconds):
    reads = {CORRECTED: OPENED_AT + timedelta(seconds=3)}
    addresses = [feed.url for publisher in stand.publishers for feed in publisher.feeds]
    for address in [*addresses, stand.url_of(stand.article_by_name[CORRECTED])]:
        one, other = (ask(address, after=moment, reads=reads) for moment in seconds)
        if one.status == other.status == 200 and "Last-Modified" in one.headers:
            validators = [(answer.headers.get("ETag"), answer.headers["Last-Modified"]) for answer in (one, other)]
            assert (one.body == other.body) is (validators[0] == validators[1])


def test_the_late_article_appears_on_page_and_in_feed_when_its_time_comes(ask, stand, urls_of):
    (url,) = urls_of("published_late")
    feed = "http://www.lecadran.example/rss/une.xml"
    assert ask(url, after=5).status == 404
    assert ask(url, after=6).status == 200
    assert url not in ask(feed, after=5).body.decode()
    assert url in ask(feed, after=6).body.decode()
    assert ask(feed, after=6).headers["Last-Modified"] == "Wed, 25 Nov 2026 08:00:06 GMT"


def test_nothing_claims_to_be_modified_in_the_future(ask, stand):
    for article in stand.articles:
        answer = ask(stand.url_of(article), after=0)
        if answer.status == 200:
            assert parsedate_to_datetime(answer.headers["Last-Modified"]) <= OPENED_AT


def test_the_old_article_was_published_five_days_before(ask, urls_of):
    (url,) = urls_of("before_start")
    assert "2026-11-20T09:00:00+01:00" in ask(url).body.decode()


def test_the_paywalled_page_says_so_and_shows_a_teaser(ask, stand, urls_of):
    (url,) = urls_of("paywalled")
    page = ask(url).body.decode()
    article = stand.article_by_name["cadran-bureaux-defense"]
    assert '"isAccessibleForFree": false' in page
    assert "Il vous reste 72 % de cet article à découvrir." in page
    assert [block.text in page for block in article.blocks] == [True, True, *[False] * (len(article.blocks) - 2)]


def test_the_cookie_wall_is_a_200_without_the_article(ask, stand, urls_of):
    (url,) = urls_of("cookie_wall")
    answer = ask(url)
    article = stand.article_by_name["canigou-colocation"]
    assert answer.status == 200
    assert article.title not in answer.body.decode()
    assert article.standfirst in ask("http://www.canigou-info.example/atom.xml").body.decode()


def test_robots_txt_closes_one_page_and_one_host_has_none(ask, urls_of):
    from protego import Protego

    (closed,) = urls_of("robots_disallowed")
    robots = Protego.parse(ask("http://www.alize-reunion.example/robots.txt").body.decode())
    assert not robots.can_fetch(closed, "Kiosque")
    assert robots.can_fetch("http://www.alize-reunion.example/rss/actualites.xml", "Kiosque")
    everywhere = Protego.parse(ask("http://www.lecadran.example/robots.txt").body.decode())
    assert everywhere.can_fetch("http://www.lecadran.example/rss/une.xml", "Kiosque")
    assert ask("http://www.canigou-info.example/robots.txt").status == 404


def test_every_page_of_the_slow_host_waits_and_no_other(ask, stand, urls_of):
    slow = {stand.url_of(article) for article in stand.articles if ask(stand.url_of(article)).delay_seconds}
    assert slow == set(urls_of("slow_host"))
    assert ask(min(slow)).delay_seconds == 3.0


def test_the_moved_feed_points_to_a_feed(ask, urls_of):
    (url,) = urls_of("moved_permanently")
    moved = ask(url)
    assert (moved.status, moved.headers["Location"]) == (301, "http://www.phare-ouest.example/flux/sports.xml")
    assert ask(moved.headers["Location"]).headers["Content-Type"] == "application/rss+xml"


def test_the_closed_feed_is_gone(ask, urls_of):
    (url,) = urls_of("gone")
    assert ask(url).status == 410


def test_a_web_page_stands_at_a_feed_address(ask, urls_of):
    (url,) = urls_of("html_at_feed_url")
    answer = ask(url)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")


def test_the_first_request_is_one_too_many(ask, urls_of):
    (url,) = urls_of("too_many_requests")
    first = ask(url, after=10)
    assert (first.status, first.headers["Retry-After"], first.read_key) == (429, "2", url)
    reads = {url: OPENED_AT + timedelta(seconds=10)}
    too_soon = ask(url, after=10.5, reads=reads)
    assert (too_soon.status, too_soon.headers["Retry-After"]) == (429, "2")
    assert ask(url, after=12, reads=reads).status == 200


def test_tracking_parameters_lead_to_the_same_page(ask, urls_of):
    (url,) = urls_of("corrected")
    assert ask(url + "?utm_source=flux&utm_medium=rss").body == ask(url).body


def test_unknown_hosts_and_paths_are_not_found(ask):
    assert ask("http://www.inconnu.example/").status == 404
    assert ask("http://www.lecadran.example/rien.html").status == 404


@given(
    path=st.text(max_size=40), host=st.sampled_from(["127.0.0.1", "www.apl.example", "rss.radiohorizon.example", ""])
)
def test_any_path_is_answered(stand, path, host):
    answer = respond(stand, Request("GET", host, "/" + path), OPENED_AT, {})
    assert answer.status in (200, 404)


def test_the_front_page_for_people_links_to_everything_locally(ask, stand):
    page = ask("http://127.0.0.1/").body.decode()
    for article in stand.articles:
        if article.published <= timedelta(seconds=60):
            assert f'href="/_/{stand.url_of(article).removeprefix("http://")}"' in page
    assert 'href="http://' not in page


def test_pages_for_people_have_local_links_no_delay_and_are_no_readings(ask, urls_of):
    for name in ("corrected", "slow_host"):
        url = urls_of(name)[0]
        answer = ask("http://localhost/_/" + url.removeprefix("http://"))
        assert (answer.status, answer.delay_seconds, answer.read_key) == (200, 0.0, "")
        links = re.findall(r'<a [^>]*href="([^"#]+)', answer.body.decode())
        assert links
        assert all(link.startswith("/_/www.") for link in links)


def test_links_of_the_front_pages_lead_somewhere(ask, stand):
    for publisher in stand.publishers:
        for address in re.findall(r'href="(http://[^"]+)"', ask(f"http://{publisher.host}/").body.decode()):
            if not re.search(r"/(mentions-legales|charte|confidentialite|contact)/$", address):
                assert ask(address).status in (200, 301, 410, 429), address

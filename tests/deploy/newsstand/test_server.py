"""The same behaviours over HTTP: the real server, in this process, on a free port."""

import asyncio
import json
import signal
import subprocess
import sys
import urllib.request
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp
import pytest

from deploy.errors import UserError
from deploy.newsstand import AccessRecord, Newsstand, parse_article
from deploy.newsstand.expectations import article_page_url, expectations

OPENED_AT = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)  # as in conftest.py
CORRECTED = article_page_url("phare-ecole-rennes")
EXTRA = """+++
publisher = "lecadran.example"
path = "/international/article/texte-venu-d-ailleurs_1.html"
section = "International"
title = "Un texte venu d’ailleurs"
standfirst = "Il est servi comme les autres."
published = "1h"
feeds = ["international"]
+++
Premier paragraphe.

## Intertitre

Second paragraphe.
"""


@asynccontextmanager
async def opened(clock, **options):
    """A newsstand and `get(url, **headers)`, which returns the response and its text."""
    async with Newsstand(clock=clock, **options) as newsstand, aiohttp.ClientSession(auto_decompress=True) as session:

        async def get(url, method="GET", **headers):
            parts = urlsplit(url)
            named = {name.replace("_", "-"): value for name, value in headers.items()} | {"Host": parts.netloc}
            local = f"http://127.0.0.1:{newsstand.port}{parts.path or '/'}"
            async with session.request(method, local, headers=named, allow_redirects=False) as response:
                return response, await response.text()

        yield newsstand, get


async def test_every_article_is_served_at_its_canonical_url(clock):
    async with opened(clock, slow_seconds=0) as (_, get):
        clock.move(10)
        answers = {expected.url: (await get(expected.url))[0].status for expected in expectations()}
    assert answers == {expected.url: 200 for expected in expectations()}


async def test_conditional_and_compressed_requests(clock):
    async with opened(clock) as (_, get):
        first, text = await get(CORRECTED, Accept_Encoding="gzip")
        assert first.headers["Content-Encoding"] == "gzip"
        assert "Louise-Michel" in text
        again, empty = await get(CORRECTED, If_None_Match=first.headers["ETag"])
        assert (again.status, empty) == (304, "")
        by_date, _ = await get(CORRECTED, If_Modified_Since=first.headers["Last-Modified"])
        assert by_date.status == 304


async def test_head_sends_the_length_and_nothing_else(clock):
    async with opened(clock) as (_, get):
        full, text = await get(CORRECTED, Accept_Encoding="identity")
        head, empty = await get(CORRECTED, method="HEAD", Accept_Encoding="identity")
    assert head.headers["Content-Length"] == full.headers["Content-Length"] == str(len(text.encode()))
    assert empty == ""


async def test_the_headline_is_corrected_while_one_watches(clock):
    async with opened(clock, correct_after_seconds=2) as (_, get):
        await get(CORRECTED, method="HEAD")
        clock.move(3)
        _, first = await get(CORRECTED)
        clock.move(1.9)
        _, still = await get(CORRECTED)
        clock.move(0.1)
        _, corrected = await get(CORRECTED)
        _, feed = await get("http://www.phare-ouest.example/rss/une.xml")
    assert first == still
    assert "rouvrira jeudi, et non lundi" in corrected
    assert "rouvrira jeudi, et non lundi" in feed


async def test_a_restart_keeps_version_2_and_the_dates(clock, tmp_path):
    state_file = tmp_path / "run" / "newsstand.json"
    async with opened(clock, state_file=state_file) as (first_run, get):
        await get(CORRECTED)
        clock.move(9)
        _, before = await get(CORRECTED)
    clock.move(3600)
    async with opened(clock, state_file=state_file) as (second_run, get):
        _, after = await get(CORRECTED)
        assert second_run.stand.opened_at == first_run.stand.opened_at == OPENED_AT
    assert "rouvrira jeudi" in before
    assert after == before
    assert json.loads(state_file.read_text())["first_reads"] == {"phare-ecole-rennes": "2026-11-25T08:00:00+00:00"}


async def test_without_a_state_file_a_restart_begins_anew(clock):
    async with opened(clock) as (_, get):
        await get(CORRECTED)
    clock.move(60)
    async with opened(clock) as (_, get):
        assert "rouvrira lundi" in (await get(CORRECTED))[1]


@pytest.mark.parametrize("content", ["", "[]", '{"format": 9}', '{"format": 1, "opened_at": 3, "first_reads": {}}'])
def test_a_file_that_is_no_state_is_refused_in_one_sentence(tmp_path, content):
    path = tmp_path / "state.json"
    path.write_text(content)
    with pytest.raises(UserError, match="newsstand"):
        Newsstand(state_file=path)


async def test_the_slow_host_holds_its_answer_back(clock, monkeypatch):
    waits = []
    real_sleep = asyncio.sleep

    async def noted_sleep(seconds):
        waits.extend([seconds] if seconds else [])
        await real_sleep(0)

    monkeypatch.setattr("deploy.newsstand.server.asyncio.sleep", noted_sleep)
    async with opened(clock, slow_seconds=3.0) as (_, get):
        await get(article_page_url("radio-soupe-lyon"))
        await get(CORRECTED)
    assert waits == [3.0]


async def test_too_many_requests_then_the_feed(clock):
    url = "http://www.sciencesenclair.example/feed"
    async with opened(clock) as (_, get):
        first, _ = await get(url)
        clock.move(int(first.headers["Retry-After"]))
        second, text = await get(url)
    assert (first.status, second.status) == (429, 200)
    assert text.startswith("<?xml")


async def test_the_other_refusals(clock):
    async with opened(clock) as (_, get):
        moved, _ = await get("http://www.phare-ouest.example/rss/sport.xml")
        gone, _ = await get("http://www.alize-reunion.example/rss/blogs.xml")
        html, _ = await get("http://www.canigou-info.example/agenda/feed/")
        post, _ = await get(CORRECTED, method="POST")
    assert [answer.status for answer in (moved, gone, html, post)] == [301, 410, 200, 405]
    assert moved.headers["Location"] == "http://www.phare-ouest.example/flux/sports.xml"
    assert html.content_type == "text/html"


async def test_an_absolute_request_target_names_the_host(clock):
    async with Newsstand(clock=clock) as newsstand:
        reader, writer = await asyncio.open_connection("127.0.0.1", newsstand.port)
        writer.write(f"GET {CORRECTED} HTTP/1.1\r\nHost: proxy.example\r\nConnection: close\r\n\r\n".encode())
        answer = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith("HTTP/1.1 200")
    assert "Louise-Michel" in answer
    assert newsstand.access_log[0].host == "www.phare-ouest.example"


async def test_a_person_can_browse_without_being_a_poller(clock):
    async with opened(clock) as (newsstand, get):
        async with aiohttp.ClientSession() as browser, browser.get(newsstand.base_url) as response:
            front = await response.text()
            assert CORRECTED.removeprefix("http://") in front
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(f"{newsstand.base_url}_/{CORRECTED.removeprefix('http://')}") as response,
        ):
            assert response.status == 200
        clock.move(100)
        assert "rouvrira lundi" in (await get(CORRECTED))[1]


async def test_the_access_log_tells_who_asked_what_and_how(clock, tmp_path):
    log_file = tmp_path / "access.jsonl"
    async with opened(clock, access_log_file=log_file) as (newsstand, get):
        await get(CORRECTED, User_Agent="Kiosque/1 (+mailto:x@y.example)", If_None_Match='"old"')
    expected = AccessRecord(
        time=OPENED_AT,
        method="GET",
        host="www.phare-ouest.example",
        path=urlsplit(CORRECTED).path,
        status=200,
        conditional=True,
        user_agent="Kiosque/1 (+mailto:x@y.example)",
    )
    assert list(newsstand.access_log) == [expected]
    (line,) = log_file.read_text(encoding="utf-8").splitlines()
    assert AccessRecord(**json.loads(line) | {"time": datetime.fromisoformat(json.loads(line)["time"])}) == expected


async def test_a_text_from_elsewhere_can_be_served(clock):
    extra = parse_article("venu-d-ailleurs", EXTRA)
    async with opened(clock, extra_articles=[extra]) as (newsstand, get):
        page, text = await get(newsstand.stand.url_of(extra))
        _, feed = await get("http://www.lecadran.example/rss/international.xml")
    assert page.status == 200
    assert "<p>Second paragraphe.</p>" in text
    assert newsstand.stand.url_of(extra) in feed


async def test_a_taken_port_is_one_clear_sentence(clock):
    async with Newsstand(clock=clock) as newsstand:
        with pytest.raises(UserError, match=f"cannot listen on 127.0.0.1:{newsstand.port}"):
            await Newsstand(port=newsstand.port, clock=clock).__aenter__()


async def test_connect_to_names_every_host(clock):
    async with Newsstand(clock=clock) as newsstand:
        assert newsstand.connect_to["rss.radiohorizon.example"] == f"127.0.0.1:{newsstand.port}"
        assert set(newsstand.connect_to) == set(newsstand.stand.publisher_by_host)


def test_serve_runs_in_the_foreground_until_sigterm():
    program = (
        "from deploy.newsstand import serve\n"
        "import sys\n"
        "serve(ready=lambda stand: print(stand.base_url, file=sys.stdout, flush=True))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        try:
            base_url = process.stdout.readline().strip()
            with urllib.request.urlopen(base_url, timeout=10) as response:
                assert response.status == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()

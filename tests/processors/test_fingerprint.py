"""What is content and what is not; digests are pinned, since they live on in state topics."""

import pytest

from processors.fingerprint import fingerprint, version_of_fingerprint
from schemas.articles import Access
from tests.articles import TEXT, fetched


def test_digest_is_pinned():
    assert fingerprint(fetched()) == "1:f7917e47363a2df0bb2537a9"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"text": TEXT.replace("’", "'")}, id="apostrophe style"),
        pytest.param({"text": TEXT.replace(" ", "  ").replace("\n", "\n\n")}, id="white space"),
        pytest.param({"text": TEXT.replace("é", "e\u0301")}, id="decomposed accents"),
        pytest.param({"standfirst": ""}, id="an empty standfirst"),
        pytest.param({"keywords": ("école",)}, id="keywords"),
        pytest.param({"access": Access(status="free")}, id="the page now says that it is free"),
    ],
)
def test_not_content(changes):
    assert fingerprint(fetched(**changes)) == fingerprint(fetched())


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"title": "La cantine cuisinera enfin sur place"}, id="title"),
        pytest.param({"text": TEXT + "\nFin."}, id="text"),
        pytest.param({"standfirst": "Un vote attendu."}, id="standfirst"),
        pytest.param({"access": Access(status="subscriber")}, id="paywall"),
    ],
)
def test_content(changes):
    assert fingerprint(fetched(**changes)) != fingerprint(fetched())


def test_parts_do_not_run_into_each_other():
    one = fetched(title="ab", text="c")
    other = fetched(title="a", text="bc")
    assert fingerprint(one) != fingerprint(other)


def test_version_is_in_front():
    assert version_of_fingerprint(fingerprint(fetched())) == "1"

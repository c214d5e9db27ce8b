"""Stories: copies, edited copies, briefs and extensions belong together, nothing else does."""

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.clustering import Member, OpenStories
from processors.near_duplicates import MIN_SHINGLES, Signature, containment, jaccard, signature
from schemas.labels import Story
from tests.articles import NOON, minutes

WORDS = (  # noqa: SIM905  # a text is easier to read than a list
    "la mairie école rivière pont travaux budget vote conseil élus parents enfants repas bio marché samedi dimanche "
    "neuf euros million hausse baisse accord syndicat grève train gare voie port navire pêche tempête pluie vent orage "
    "village ville route place café musée concert théâtre film livre auteur prix match but équipe victoire"
).split()
WINDOW = timedelta(hours=72)


def text(seed: int, words: int = 300) -> str:
    rng = random.Random(seed)
    return " ".join(rng.choice(WORDS) for _ in range(words))


def every(nth: int, original: str) -> str:
    """The text with every nth word replaced."""
    return " ".join(f"mot{i}" if i % nth == 0 else word for i, word in enumerate(original.split()))


def stories_with(original: str, at=NOON) -> OpenStories:
    stories = OpenStories(WINDOW)
    stories.add(Member("founder", "founder", at, signature(original)))
    return stories


@pytest.mark.parametrize(
    ("later", "relation"),
    [
        pytest.param(text(1), "copy", id="word for word"),
        pytest.param(text(1).upper().replace(" ", "  "), "copy", id="other case and spaces"),
        pytest.param(text(1) + " " + text(2, 30), "copy", id="with a paragraph more"),
        pytest.param(every(8, text(1)), "edited", id="every eighth word changed"),
        pytest.param(" ".join(text(1).split()[:120]), "brief", id="its first paragraphs"),
        pytest.param(text(1) + " " + text(3, 400), "extension", id="twice as long"),
    ],
)
def test_text_taken_from_another_joins_its_story(later, relation):
    story = stories_with(text(1)).assign("later", signature(later), NOON + minutes(5))
    assert story == Story(id="founder", relation=relation)


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(text(99), id="another text of the same words"),
        pytest.param(" ".join(text(99).split()[:60]), id="a short one"),
        pytest.param(" ".join(text(1).split()[:15]), id="too short to compare"),
        pytest.param("", id="empty"),
    ],
)
def test_other_text_founds_its_own_story(later):
    assert stories_with(text(1)).assign("later", signature(later), NOON) == Story(id="later", relation="first")


def test_story_closes_with_the_window():
    stories = stories_with(text(1))
    inside, outside = NOON + WINDOW, NOON + WINDOW + minutes(1)
    assert stories.assign("later", signature(text(1)), inside).id == "founder"
    assert stories.assign("later", signature(text(1)), outside).id == "later"


def test_what_left_the_window_is_forgotten():
    stories = stories_with(text(1))
    stories.add(Member("other", "other", NOON + WINDOW + minutes(1), signature(text(2))))
    assert (len(stories), stories.signature_of("founder")) == (1, None)
    assert stories.signature_of("other") == signature(text(2))


def test_removed_article_founds_nothing_any_more():
    stories = stories_with(text(1))
    stories.remove("founder")
    assert stories.assign("later", signature(text(1)), NOON).id == "later"


def test_nearest_story_wins_and_the_earliest_of_equals():
    stories = stories_with(every(8, text(1)))
    stories.add(Member("nearest", "nearest", NOON + minutes(2), signature(text(1))))
    stories.add(Member("as near", "as near", NOON + minutes(1), signature(text(1))))
    assert stories.assign("later", signature(text(1)), NOON + minutes(5)) == Story(id="as near", relation="copy")


@given(seed=st.integers(0, 1000), share=st.floats(0, 1))
@settings(deadline=None, max_examples=40)
def test_estimates_are_near_the_truth(seed, share):
    words = text(seed).split()
    cut = " ".join(words[: max(30, round(share * len(words)))])
    one, other = signature(" ".join(words)), signature(cut)
    shingles = [{tuple(t.split()[i : i + 3]) for i in range(len(t.split()) - 2)} for t in (" ".join(words), cut)]
    truth = len(shingles[0] & shingles[1]) / len(shingles[0] | shingles[1])
    assert abs(jaccard(one, other) - truth) < 0.2  # five standard errors
    assert containment(one, other) > 0.5


def test_short_texts_have_no_signature():
    words = text(1).split()
    assert signature(" ".join(words[: MIN_SHINGLES + 1])) is None
    assert isinstance(signature(" ".join(words[: MIN_SHINGLES + 12])), Signature)


def test_signature_is_pinned_since_it_lives_on_in_the_state_topic():
    assert signature(text(1)).values[:3].tolist() == [357581588, 952067204, 17358576]

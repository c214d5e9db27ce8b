import numpy as np
import pytest

from processors.lexicon_matcher import LexiconMatcher
from processors.topic_labels import TopicLabeller, TopicModel, section_names
from schemas.labels import TopicLabel, Topics

NOTHING = np.zeros(2)
MODEL = TopicModel(
    codes=("11", "15", "16"),
    weights=np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]),
    bias=np.array([-2.0, -2.0, -2.0]),
    alpha_lex=2.0,
    beta_section=2.5,
    head_chars=20,
    max_chars=40,
    body_decay=0.5,
    platt=(1.0, 0.0),
    platt_with_section=(1.0, 0.0),
    threshold=0.5,
    threshold_with_section=0.45,
)
LABELLER = TopicLabeller(
    MODEL,
    LexiconMatcher.from_codes({"11": {"député": 2, "scrutin": 2}, "15": {"match": 2}, "16": {"guerre": 2}}),
    {"politique": {"11": 1.0}, "monde": {}, "rugby": {"15": 1.0}},
    {"11": "Politique", "15": "Sport", "16": "Conflit, guerre et paix"},
)


def test_labels_come_with_code_name_and_evidence() -> None:
    topics = LABELLER.label("Les députés au scrutin", "", NOTHING)
    assert topics == Topics(
        code=("medtop:11000000",),
        label=("Politique",),
        detail=(
            TopicLabel(
                code="medtop:11000000",
                label="Politique",
                score=0.881,
                evidence=("lexicon:député", "lexicon:scrutin"),
            ),
        ),
    )


def test_the_best_label_is_kept_below_the_threshold() -> None:
    topics = LABELLER.label("Sans rapport", "", np.array([0.0, 0.5]))
    assert topics.code == ("medtop:15000000",)
    assert topics.detail[0].score < MODEL.threshold
    assert topics.detail[0].evidence == ("vectors",)


def test_a_section_is_evidence_and_a_generic_one_says_nothing() -> None:
    told = LABELLER.label("Titre", "", NOTHING, url="https://journal.example/rugby/article/titre")
    assert told.detail[0].code == "medtop:15000000"
    assert told.detail[0].evidence == ("section:rugby",)
    assert not LABELLER.section_score(section_names("https://journal.example/monde/titre", None)).any()


def test_a_keyword_counts_half_a_section() -> None:
    assert LABELLER.section_score((), ("Politique",)).tolist() == [0.5, 0.0, 0.0]
    labelled = LABELLER.label("Titre", "", NOTHING, keywords=("Politique",))
    assert labelled.detail[0].evidence == ("keyword:Politique",)


def test_hits_in_the_title_weigh_more_and_far_ones_less() -> None:
    title, near = LABELLER.lexicon_score("guerre", ""), LABELLER.lexicon_score("", "guerre")
    far = LABELLER.lexicon_score("", "x" * 25 + " guerre")
    beyond = LABELLER.lexicon_score("", "x" * 45 + " guerre")
    scores = [float(score.total[2]) for score in (title, near, far, beyond)]
    assert scores == pytest.approx([3.2, 2.0, 1.0, 0.0])


def test_two_labels_are_ordered_by_probability() -> None:
    topics = LABELLER.label("La guerre, la guerre au scrutin", "guerre", NOTHING)
    assert topics.label == ("Conflit, guerre et paix", "Politique")


def test_section_names_are_folders_and_the_feeds_word() -> None:
    assert section_names("https://journal.example/France/%C3%A9lections_2026/a?x=1", "Vie locale") == (
        "france",
        "elections-2026",
        "a",
        "vie-locale",
    )
    assert section_names(None, None) == ()


def test_the_shipped_lexicon_reaches_all_seventeen_labels(lexicons) -> None:
    codes = lexicons.topics.model.codes
    assert len(codes) == 17
    for row, code in enumerate(codes):
        terms = [t for t in lexicons.topics.matcher._terms.values() if set(t.weights) == {code}][:4]
        topics = lexicons.topics.label(", ".join(t.text for t in terms), "", np.zeros(300))
        assert topics.code[0] == f"medtop:{code}000000", (row, code)

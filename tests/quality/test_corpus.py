"""Real texts of the corpus, where it is: scores that must not fall."""

import csv
import json

import pytest

from processors.entities import NamedMention
from processors.entity_repairs import EntityRepairs
from processors.models import load_lexicons
from processors.places import PlaceFinder
from processors.scores import Tally, macro_f1
from processors.text_normalization import straight_apostrophes

pytestmark = pytest.mark.corpus

MASAKHANE = {
    "business": {"04"},
    "sports": {"15"},
    "politics": {"11", "16"},
    "health": {"07"},
    "entertainment": {"01"},
    "technology": {"13"},
}
WIKINEURAL_SENTENCES = 1500


@pytest.fixture(scope="module")
def lexicons():
    return load_lexicons()


@pytest.fixture(scope="module")
def repaired(tagger, lexicons):
    """Text → (raw spans, repaired spans), without MISC."""
    repairs = EntityRepairs(lexicons.entities, lexicons.gazetteer)

    def spans(texts):
        straight = [straight_apostrophes(text) for text in texts]
        for text, reading in zip(straight, tagger._model.read(straight), strict=True):
            raw = {span for span in reading.spans if span[2] != "MISC"}
            mentions = repairs.repaired(reading.spans, text)
            yield raw, {(m.start, m.end, m.kind) for m in mentions if m.kind != "MISC"}

    return spans


def test_entities_of_feed_items(corpus, repaired, holds):
    items = json.loads((corpus / "nlp/ner_lemonde_llm.json").read_text("utf-8"))
    everything, persons = Tally(), Tally()
    for item, (_, found) in zip(items, repaired([item["text"] for item in items]), strict=True):
        expected = {tuple(span) for span in item["ents"]}
        everything.add(found, expected)
        persons.add({s for s in found if s[2] == "PER"}, {s for s in expected if s[2] == "PER"})
    holds("lemonde.entities.strict_f1", everything.f1)
    holds("lemonde.persons.strict_f1", persons.f1)


def wikineural(path):
    """(text, spans) of the first sentences: tokens joined by blanks, but none after an apostrophe."""
    sentences, text, spans = [], "", []
    for line in path.read_text("utf-8").splitlines():
        if not line:
            sentences.append((text, {tuple(span) for span in spans if span[2] != "MISC"}))
            text, spans = "", []
            continue
        _, word, *_, tag = line.split("\t")
        text += "" if not text or text.endswith("'") else " "
        start, text = len(text), text + word
        if tag.startswith("I-") and spans and spans[-1][2] == tag[2:] and spans[-1][1] >= start - 1:
            spans[-1][1] = len(text)
        elif tag != "O":
            spans.append([start, len(text), tag[2:]])
    return sentences[:WIKINEURAL_SENTENCES]


def test_the_repairs_do_no_harm_elsewhere(corpus, repaired, holds):
    sentences = wikineural(corpus / "nlp/ner_wikineural_fr_val.conllu")
    raw, after = Tally(), Tally()
    for (_, expected), (before, found) in zip(sentences, repaired([text for text, _ in sentences]), strict=True):
        raw.add(before, expected)
        after.add(found, expected)
    assert after.f1 >= raw.f1
    holds("wikineural.entities.strict_f1", after.f1)


def test_places(corpus, lexicons, holds):
    finder = PlaceFinder(lexicons.gazetteer)
    rows = [line.split("\t") for line in (corpus / "nlp/places.tsv").read_text("utf-8").splitlines()]
    right = 0
    for words, country in rows:
        places = finder.find("", words, [NamedMention(False, 0, len(words), "LOC", words)]).places.detail
        right += bool(places) and (places[0].country or "-") == country
    holds("corpus.places.right", right / len(rows))


def test_languages(corpus, tagger, holds):
    rows = [json.loads(line) for line in (corpus / "nlp/langid.jsonl").read_text("utf-8").splitlines()]
    long_enough = [row for row in rows if len(row["text"]) >= 30]
    french = {id(row): tagger.language(row["text"], hint="fr").code == "fr" for row in long_enough}
    called_french = [row["lang"] for row in long_enough if french[id(row)] and row["lang"] != "fr"]
    assert called_french == []
    right = sum(french[id(row)] == (row["lang"] == "fr") for row in long_enough)
    holds("corpus.language.right", right / len(long_enough))


@pytest.mark.parametrize("with_url", [False, True], ids=["text only", "with URL"])
def test_topics_of_feed_items(corpus, tagger, holds, with_url):
    items = json.loads((corpus / "nlp/iptc_gold_llm.json").read_text("utf-8"))
    found = [
        [code[7:9] for code in tagger.labels(i["title"], i["desc"], url=i["url"] if with_url else None).topics.code]
        for i in items
    ]
    expected = [set(item["iptc"]) for item in items]
    name = "lemonde.topics.with_url" if with_url else "lemonde.topics"
    holds(f"{name}.top1", sum(f[0] in e for f, e in zip(found, expected, strict=True)) / len(items))
    holds(f"{name}.macro_f1", macro_f1([set(codes) for codes in found], expected))


@pytest.mark.slow
def test_topics_of_whole_articles(corpus, tagger, holds):
    with (corpus / "nlp/masakhanews_fra/dev.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    right = sum(
        tagger.labels(row["headline"], row["text"]).topics.code[0][7:9] in MASAKHANE[row["category"]] for row in rows
    )
    holds("masakhanews.topics.top1", right / len(rows))


def test_the_seed_article(corpus, tagger):
    labels = tagger.labels("", (corpus / "seed_article.txt").read_text("utf-8"))
    kinds = {entity.name: entity.kind for entity in labels.entities.detail}
    persons = {"Donald Trump", "Vladimir Poutine", "Volodymyr Zelensky", "Iouri Ouchakov", "Steve Witkoff"}
    assert set(labels.entities.person) == persons
    assert {name: kinds[name] for name in ("Otan", "G20", "Kremlin")} == dict.fromkeys(
        ("Otan", "G20", "Kremlin"), "ORG"
    )
    countries = {place.name: place.country for place in labels.places.detail}
    assert countries == {
        "Russie": "RU",
        "États-Unis": "US",
        "Ukraine": "UA",
        "Moscou": "RU",
        "Kiev": "UA",
        "Washington": "US",
        "Osaka": "JP",
        "Donetsk": "UA",
        "Lougansk": "UA",
        "Zaporijjia": "UA",
        "Kherson": "UA",
        "Crimée": "UA",
    }
    assert all(place.location for place in labels.places.detail)
    assert set(labels.topics.code[:2]) == {"medtop:16000000", "medtop:11000000"}
    assert all(topic.evidence for topic in labels.topics.detail)

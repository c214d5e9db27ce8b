"""The language model and the lexicons, loaded once for a process: the files' edge of this room.

    load_language_model()  -> LanguageModel      spaCy's fr_core_news_md: entities and word vectors, one copy
    load_lexicons()        -> Lexicons            everything in lexicons/, parsed

What the models find is interpreted in entities.py and topic_labels.py.
"""

import gzip
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import numpy as np
import spacy
from numpy.typing import NDArray
from spacy.attrs import IDX, IS_ALPHA, IS_STOP, ORTH

from processors.entity_lexicon import EntityLexicon
from processors.gazetteer import Gazetteer, demonym_forms
from processors.lexicon_matcher import LexiconMatcher
from processors.topic_labels import TopicLabeller, TopicModel

MODEL_NAME = "fr_core_news_md"
UNUSED = ("morphologizer", "parser", "attribute_ruler", "lemmatizer", "senter")
"""Parts of the model that nothing of ours reads; without them it is three times as fast."""

_FOLDER = files("processors.lexicons")
_SMALL = re.compile(r"\b[a-zàâçéèêëîïôöûùü]{4,}\b")


@dataclass(frozen=True, slots=True)
class ParagraphReading:
    """What the model finds in one paragraph, whatever stands around it.

    `spans` are (start, end, label); `offsets` and `rows` give, for each content word that has a vector, its place in
    the paragraph and its row in the vector table.
    """

    spans: tuple[tuple[int, int, str], ...]
    offsets: NDArray[np.int64]
    rows: NDArray[np.int64]


class LanguageModel:
    """spaCy's pipeline behind the two questions we ask it. Not thread-safe: one for each process."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._vectors = pipeline.vocab.vectors

    def read(self, paragraphs: Sequence[str]) -> list[ParagraphReading]:
        """Read paragraphs, each by itself: batching changes the speed and not the result.

        Args:
            paragraphs: Texts with straight apostrophes.
        """
        # Within the zone spaCy forgets new words afterwards; without it the vocabulary grows for months.
        with self._pipeline.memory_zone():
            return [self._reading(document) for document in self._pipeline.pipe(paragraphs)]

    def _reading(self, document: Any) -> ParagraphReading:
        spans = tuple((span.start_char, span.end_char, span.label_) for span in document.ents)
        tokens = document.to_array([ORTH, IS_ALPHA, IS_STOP, IDX])
        content = tokens[(tokens[:, 1] == 1) & (tokens[:, 2] == 0)]
        rows = np.asarray(self._vectors.find(keys=content[:, 0]), dtype=np.int64)
        known = rows >= 0
        return ParagraphReading(spans, content[known, 3].astype(np.int64), rows[known])

    def mean_vector(self, rows: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
        """The mean of the vectors of these rows, scaled to length 1; zeros if there are none."""
        joined = np.concatenate(rows) if rows else np.empty(0, dtype=np.int64)
        if not joined.size:
            return np.zeros(self._vectors.data.shape[1])
        mean = self._vectors.data[joined].astype(np.float64).mean(axis=0)
        unit: NDArray[np.float64] = mean / (np.linalg.norm(mean) + 1e-9)
        return unit


def load_language_model() -> LanguageModel:
    """Load the model (about 4 s and 350 MB)."""
    return LanguageModel(spacy.load(MODEL_NAME, exclude=list(UNUSED)))


@dataclass(frozen=True)
class Lexicons:
    """Everything in lexicons/, parsed, and the digest of its bytes."""

    gazetteer: Gazetteer
    entities: EntityLexicon
    topics: TopicLabeller
    digest: str


def load_lexicons() -> Lexicons:
    """Read the lexicons that come with the package."""
    demonyms = dict(_demonyms(_text("places_countries.tsv")))
    gazetteer = Gazetteer.from_lines(
        gzip.decompress(_FOLDER.joinpath("gazetteer.tsv.gz").read_bytes()).decode("utf-8").splitlines(), demonyms
    )
    entities = EntityLexicon.from_tables(
        _toml("entity_words.toml"),
        _toml("entity_organizations.toml"),
        _toml("persons.toml"),
        demonyms,
        common_words(_text("topic_training_fr.jsonl")),
    )
    return Lexicons(gazetteer, entities, load_topic_labeller(), lexicons_digest())


def load_topic_labeller(model: Mapping[str, Any] | None = None) -> TopicLabeller:
    """The topic labeller with the shipped weights, or with `model` (a parsed topic_model_fr.json)."""
    lexicon = _json("topic_lexicon_fr.json")
    return TopicLabeller(
        model=topic_model(model or _json("topic_model_fr.json")),
        matcher=LexiconMatcher.from_codes(lexicon["terms"]),
        sections=_json("topic_sections_fr.json")["sections"],
        labels=_json("iptc_labels_fr.json")["labels"],
    )


def topic_model(table: Mapping[str, Any]) -> TopicModel:
    """The weights from their parsed file."""
    return TopicModel(
        codes=tuple(table["codes"]),
        weights=np.array(table["W"], dtype=np.float64),
        bias=np.array(table["b"], dtype=np.float64),
        alpha_lex=table["alpha_lex"],
        beta_section=table["beta_section"],
        head_chars=table["head_chars"],
        max_chars=table["max_chars"],
        body_decay=table["body_decay"],
        platt=tuple(table["platt"]),
        platt_with_section=tuple(table["platt_with_section"]),
        threshold=table["threshold"],
        threshold_with_section=table["threshold_with_section"],
    )


def lexicons_digest() -> str:
    """A digest of every data file of lexicons/: any change of a word changes it."""
    digest = hashlib.blake2b(digest_size=6)
    for file in sorted(_FOLDER.iterdir(), key=lambda item: item.name):
        if file.name.endswith((".toml", ".json", ".jsonl", ".tsv", ".gz")):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def versions(lexicons: Lexicons) -> dict[str, str]:
    """What made the labels, for an article's provenance."""
    return {
        "entities": f"{MODEL_NAME} {version('fr-core-news-md')}",
        "spacy": version("spacy"),
        "language": f"py3langid {version('py3langid')}",
        "lexicons": lexicons.digest,
    }


def _demonyms(countries: str) -> Iterator[tuple[str, str]]:
    """(form in small letters, country); one that several countries share (« congolais ») gets an empty country."""
    found: dict[str, str] = {}
    for line in countries.splitlines():
        if line.startswith("#"):
            continue
        code, *_, demonyms = [*line.split("\t"), "", "", ""][:4]
        for word in filter(None, demonyms.split("|")):
            for form in demonym_forms(word):
                found[form] = code if found.get(form, code) == code else ""
    yield from found.items()


def common_words(items: str) -> frozenset[str]:
    """The words that the texts of JSON lines write small; they are ours, so their vocabulary may be shipped."""
    texts = (json.loads(line) for line in items.splitlines() if line.strip())
    return frozenset(word for text in texts for word in _SMALL.findall(f"{text['title']} {text['text']}"))


def _text(name: str) -> str:
    return _FOLDER.joinpath(name).read_text("utf-8")


def _json(name: str) -> Any:
    return json.loads(_text(name))


def _toml(name: str) -> Any:
    return tomllib.loads(_text(name))

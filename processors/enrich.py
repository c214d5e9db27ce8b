"""Article → labels: language, entities, places, topics, quotations, each with what it rests on.

    language ─► (not French: nothing more) ─► paragraphs read by the model ─► entities ─► places ─► entities named
                                                            └─► word vectors ─► topics            └─► quotations

Pure apart from the models loaded once: what one article gets does not depend on the articles before it, on batches or
on the number of workers (a test says so). Kafka, dead letters and time limits are the enrich stage's business.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from msgspec.structs import replace

from processors.entities import EntityReader, Unit
from processors.language import LanguageDetector, load_language_detector
from processors.models import LanguageModel, Lexicons, ParagraphReading, load_language_model, load_lexicons, versions
from processors.places import PlaceFinder, Publication
from processors.quotations import quotations
from processors.text_normalization import paragraphs, straight_apostrophes
from processors.topic_labels import Vector
from schemas.articles import Timeline
from schemas.labels import Entities, Language, Places, Provenance, Quotes, Topics
from schemas.messages import ArticleCore, TaggedArticle, UniqueArticle, version_of

LABELS_RELEASE: Final = "2026.11-1"
"""Release of models, lexicons and rules together; raised with every change that may change a label."""

MAX_READ_CHARACTERS: Final = 60_000
"""What is read of one text: more is a live page or a document, and costs seconds. Longer texts get a problem note."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What an article is about."""

    entities: Entities
    places: Places
    primary_place: str | None
    topics: Topics
    keyphrases: tuple[str, ...]
    quotes: Quotes
    versions: dict[str, str]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotFrench:
    """The article is in another language and gets no labels."""

    language: Language


class Tagger:
    """Models and rules, loaded once for a process. Not thread-safe."""

    def __init__(self, model: LanguageModel, lexicons: Lexicons, language: LanguageDetector) -> None:
        self._model = model
        self._language = language
        self._topics = lexicons.topics
        self._reader = EntityReader(lexicons.entities, lexicons.gazetteer)
        self._finder = PlaceFinder(lexicons.gazetteer)
        self.versions = versions(lexicons)

    @classmethod
    def load(cls) -> Self:
        """Load everything (about 5 s and 450 MB)."""
        return cls(load_language_model(), load_lexicons(), load_language_detector())

    def language(self, text: str | None, title: str = "", hint: str | None = None) -> Language:
        """The language of an article (language.py)."""
        return self._language.detect(text, title, hint)

    def labels(
        self,
        title: str,
        text: str,
        *,
        url: str | None = None,
        section: str | None = None,
        keywords: Sequence[str] = (),
        standfirst: str | None = None,
        publication: Publication = Publication(),  # noqa: B008  # frozen
    ) -> Labels:
        """The labels of a French text.

        Args:
            title: The title; may be empty.
            text: The text, paragraphs separated by newlines. Offsets of mentions count its code points.
            url: The canonical URL; its folders are evidence for the topic.
            section: The section as feed or page name it.
            keywords: The publisher's own keywords.
            standfirst: Read for the topics where the text does not begin with it.
            publication: What is known of the publisher.
        """
        read = text[:MAX_READ_CHARACTERS]
        units, readings = self._read(title, read)
        mentions = self._reader.mentions(units)
        found = self._finder.find(title, read, mentions, publication)
        entities = self._reader.entities(mentions, found.names)
        body = read if not standfirst or standfirst in read else f"{standfirst}\n{read}"
        topics = self._topics.label(
            title, body, self._vector(units, readings), url=url, section=section, keywords=keywords
        )
        return Labels(
            entities=entities,
            places=found.places,
            primary_place=found.primary,
            topics=topics,
            keyphrases=(),
            quotes=quotations(read, entities),
            versions=self.versions,
            problems=("labels_from_beginning",) if len(text) > len(read) else (),
        )

    def _read(self, title: str, text: str) -> tuple[list[Unit], list[ParagraphReading]]:
        parts = [(True, 0, title)] if title.strip() else []
        parts += [(False, offset, line) for offset, line in paragraphs(text)]
        straight = [straight_apostrophes(words) for _, _, words in parts]
        readings = self._model.read(straight)
        units = [
            Unit(in_title, offset, words, reading.spans)
            for (in_title, offset, _), words, reading in zip(parts, straight, readings, strict=True)
        ]
        return units, readings

    def _vector(self, units: Sequence[Unit], readings: Sequence[ParagraphReading]) -> Vector:
        """The mean vector of the title and of the first `max_chars` of the text."""
        limit = self._topics.model.max_chars
        rows = [
            reading.rows if unit.in_title else reading.rows[reading.offsets + unit.offset < limit]
            for unit, reading in zip(units, readings, strict=True)
        ]
        return self._model.mean_vector(rows)

    def tag(self, article: UniqueArticle, *, now: datetime, run: int = 0) -> TaggedArticle | NotFrench:
        """The article with its labels, or the language that it is in instead of French.

        Args:
            article: As dedupe accepted it. Where rights leave no text, the standfirst is read in its place.
            now: The stage's clock, for the timeline.
            run: Re-enrichment run, 0 for the live one.
        """
        body = article.text if article.text is not None else article.standfirst or ""
        language = self.language(body, article.title, article.language_hint)
        if language.code != "fr":
            return NotFrench(language)
        labels = self.labels(
            article.title,
            body,
            url=article.url,
            section=article.section,
            keywords=article.keywords,
            standfirst=article.standfirst,
            publication=Publication(article.publisher.coverage, article.publisher.country),
        )
        entities = labels.entities if article.text is not None else without_offsets(labels.entities)
        return tagged(article, labels, entities, language, now=now, run=run)


def without_offsets(entities: Entities) -> Entities:
    """The entities of a standfirst: counted, but with no place in a text that is not there."""
    detail = tuple(replace(entity, mentions=()) for entity in entities.detail)
    return replace(entities, detail=detail)


def tagged(
    article: UniqueArticle, labels: Labels, entities: Entities, language: Language, *, now: datetime, run: int
) -> TaggedArticle:
    """The message for `articles.tagged`."""
    core = {name: getattr(article, name) for name in ArticleCore.__struct_fields__}
    return TaggedArticle(
        **core,
        revision=article.revision,
        version=version_of(article.revision, run),
        labels_release=LABELS_RELEASE,
        change=article.change,
        language=language.code,
        entities=entities,
        places=labels.places,
        primary_place=labels.primary_place,
        topics=labels.topics,
        keyphrases=labels.keyphrases,
        quotes=labels.quotes,
        accepted_at=article.accepted_at,
        timeline=Timeline(
            published=article.first_published_at,
            discovered=article.discovered_at,
            fetched=article.fetched_at,
            accepted=article.revised_at,
            enriched=now,
        ),
        provenance=Provenance(versions=labels.versions, problems=(*article.problems, *labels.problems)),
    )


def unlabelled(article: TaggedArticle) -> UniqueArticle:
    """What `tagged` was given: the article as dedupe accepted it, so that it can be labelled anew.

    Its own problems are part of the core; those that came from labelling stand in the provenance only and are left
    there. The feed's language is not kept: that the text was found to be French stands in for it.
    """
    core = {name: getattr(article, name) for name in ArticleCore.__struct_fields__}
    timeline = article.timeline
    return UniqueArticle(
        **core,
        language_hint=article.language,
        discovered_at=timeline.discovered,
        first_published_at=timeline.published,
        fetched_at=timeline.fetched,
        revision=article.revision,
        accepted_at=article.accepted_at,
        revised_at=timeline.accepted or article.accepted_at,
        change=article.change,
    )

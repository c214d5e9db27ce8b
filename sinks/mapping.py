"""The index templates: which field is what, for articles, revisions and trace.

Every index is `dynamic: strict`: a field that is not here is refused, never guessed. One index per template version:
a change that existing documents would not bear raises TEMPLATE_VERSION and is brought in by a reindex (an added field
does not need that). What `detail` objects hold is kept, not indexed. The names are index names; the alias
`PREFIX-articles` is what readers use.
"""

from dataclasses import dataclass
from typing import Any, Final

from sinks.analysis import ANALYSIS, FRENCH, FRENCH_EXACT, FRENCH_PREFIX
from sinks.options import IndexerOptions

TEMPLATE_VERSION: Final = 1

MESSAGE_ONLY: Final = frozenset({"type"})
"""Parts of the messages that no document carries."""

INDEX_ONLY: Final = frozenset({"@timestamp", "event.ingested"})
"""Fields of the documents that no message carries."""

Fields = dict[str, dict[str, Any]]

_PRIORITY: Final = 500


@dataclass(frozen=True)
class IndexNames:
    """What one installation calls its indices.

    Attributes:
        articles: the index that this template version writes.
        articles_alias: what readers search.
        revisions: one document for each revision of each article.
        trace: what became of each entry at each stage.
    """

    articles: str
    articles_alias: str
    revisions: str
    trace: str

    @property
    def indices(self) -> tuple[str, str, str]:
        """The three indices that the sink writes."""
        return (self.articles, self.revisions, self.trace)


def index_names(prefix: str) -> IndexNames:
    """The names under a prefix, which is used as it is (setting `index_prefix`)."""
    return IndexNames(
        articles=f"{prefix}-articles-v{TEMPLATE_VERSION}",
        articles_alias=f"{prefix}-articles",
        revisions=f"{prefix}-revisions",
        trace=f"{prefix}-trace",
    )


def _keyword(characters: int = 1024) -> dict[str, Any]:
    # Longer values stay in the document but not in the index: Lucene refuses terms above 32 kB, and with them the
    # whole document.
    return {"type": "keyword", "ignore_above": characters}


def _name() -> dict[str, Any]:
    """A facet whose values can also be found by their words, in any case and without accents."""
    return {**_keyword(), "fields": {"text": {"type": "text", "analyzer": FRENCH_EXACT}}}


def _kept() -> dict[str, Any]:
    """Text that is in the document only."""
    return {"type": "keyword", "index": False, "doc_values": False}


def _detail() -> dict[str, Any]:
    return {"type": "object", "enabled": False}


def _french(**more_fields: dict[str, Any]) -> dict[str, Any]:
    # Offsets in the postings: highlighting need not analyse a long text again.
    exact = {"type": "text", "analyzer": FRENCH_EXACT, "index_options": "offsets"}
    return {"type": "text", "analyzer": FRENCH, "index_options": "offsets", "fields": {"exact": exact, **more_fields}}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"properties": properties}


_DATE: Final[dict[str, Any]] = {"type": "date"}
_BOOLEAN: Final[dict[str, Any]] = {"type": "boolean"}
_INTEGER: Final[dict[str, Any]] = {"type": "integer"}
_LONG: Final[dict[str, Any]] = {"type": "long"}
_GEO_POINT: Final[dict[str, Any]] = {"type": "geo_point"}

_TITLE: Final = _french(
    keyword=_keyword(2000),
    # search_as_you_type is not part of every server; word beginnings at index time do the same.
    suggest={"type": "text", "analyzer": FRENCH_PREFIX, "search_analyzer": FRENCH_EXACT},
)

_PUBLISHER: Final = _object(
    id=_keyword(), name=_name(), kind=_keyword(), group=_keyword(), coverage=_keyword(), country=_keyword()
)

_ACCESS: Final = _object(status=_keyword(), truncated=_BOOLEAN, evidence=_kept())

_CHANGE: Final = _object(kinds=_keyword(), title_before=_french(keyword=_keyword(2000)), diff=_kept())

_TIMELINE: Final = _object(
    published=_DATE, discovered=_DATE, fetched=_DATE, accepted=_DATE, enriched=_DATE, clustered=_DATE
)

_STORY: Final = _object(id=_keyword(), relation=_keyword())

_WHEN: Final[Fields] = {"@timestamp": _DATE, "event": _object(ingested=_DATE)}

ARTICLE_FIELDS: Final[Fields] = {
    **_WHEN,
    "article_id": _keyword(),
    "url": _keyword(8000),
    "url_aliases": _keyword(8000),
    "publisher": _PUBLISHER,
    "feeds": _keyword(8000),
    "title": _TITLE,
    "standfirst": _french(),
    "text": _french(),
    "text_source": _keyword(),
    "word_count": _INTEGER,
    "authors": _name(),
    "section": _keyword(),
    "keywords": _name(),
    "genre": _keyword(),
    "sponsored": _BOOLEAN,
    "image": _object(url=_kept()),
    "access": _ACCESS,
    "rights": _object(
        tdm_reserved=_BOOLEAN, tdm_policy=_keyword(8000), robots=_keyword(), basis=_keyword(), evidence=_kept()
    ),
    "agency": _keyword(),
    "published_at": _DATE,
    "published_precision": _keyword(),
    "modified_at": _DATE,
    "problems": _keyword(),
    "revision": _INTEGER,
    "version": _LONG,
    "labels_release": _keyword(),
    "change": _CHANGE,
    "language": _keyword(),
    "entities": _object(person=_name(), organization=_name(), in_title=_name(), detail=_detail()),
    "places": _object(
        name=_name(),
        location=_GEO_POINT,
        insee=_keyword(),
        department=_keyword(),
        country=_keyword(),
        detail=_detail(),
    ),
    "primary_place": _keyword(),
    "topics": _object(code=_keyword(), label=_name(), detail=_detail()),
    "keyphrases": _name(),
    "quotes": _object(speaker=_name(), text=_french()),
    "accepted_at": _DATE,
    "timeline": _TIMELINE,
    # Names of models and lexicons are open: one field for all of them.
    "provenance": _object(versions={"type": "flattened"}, problems=_keyword(), trace_id=_keyword()),
    "story": _STORY,
}

REVISION_FIELDS: Final[Fields] = {
    **_WHEN,
    "article_id": _keyword(),
    "revision": _INTEGER,
    "version": _LONG,
    "url": _keyword(8000),
    "publisher": _PUBLISHER,
    "title": _french(keyword=_keyword(2000)),
    "standfirst": _french(),
    "word_count": _INTEGER,
    "access": _ACCESS,
    "published_at": _DATE,
    "modified_at": _DATE,
    "accepted_at": _DATE,
    "change": _CHANGE,
    "timeline": _TIMELINE,
    "story": _STORY,
}

TRACE_FIELDS: Final[Fields] = {
    **_WHEN,
    "trace_id": _keyword(),
    "article_id": _keyword(),
    "url": _keyword(8000),
    "title": _keyword(2000),
    "publisher_id": _keyword(),
    "feed": _keyword(8000),
    "stage": _keyword(),
    "disposition": _keyword(),
    "detail": _keyword(8000),
    "revision": _INTEGER,
    "at": _DATE,
}

_FIELDS: Final = {"articles": ARTICLE_FIELDS, "revisions": REVISION_FIELDS, "trace": TRACE_FIELDS}


@dataclass(frozen=True)
class IndexTemplate:
    """One index with the templates that make it.

    Attributes:
        index: its name, also the name of both templates.
        component: body of the component template: the analyzers and the mappings that name them. They must be in one
            component, or the server refuses it.
        composed: body of the index template.
    """

    index: str
    component: dict[str, Any]
    composed: dict[str, Any]

    @property
    def mappings(self) -> dict[str, Any]:
        """The mappings that the index must have."""
        mappings: dict[str, Any] = self.component["template"]["mappings"]
        return mappings

    @property
    def analysis(self) -> dict[str, Any]:
        """The analyzers that the index must have."""
        analysis: dict[str, Any] = self.component["template"]["settings"]["index"].get("analysis", {})
        return analysis


def _template(kind: str, index: str, options: IndexerOptions) -> IndexTemplate:
    meta = {"managed_by": "kiosque", "template_version": TEMPLATE_VERSION}
    # Only where fields name analyzers: they are compared with what stands, and must not differ for nothing.
    index_settings: dict[str, Any] = {} if kind == "trace" else {"analysis": ANALYSIS}
    if kind == "articles":
        index_settings["query"] = {"default_field": ["title", "standfirst", "text"]}
    sizes = {
        "number_of_shards": options.shards if kind == "articles" else 1,
        "number_of_replicas": options.replicas,
        "refresh_interval": options.refresh_interval,
    }
    component = {
        "version": TEMPLATE_VERSION,
        "_meta": meta,
        "template": {
            "settings": {"index": index_settings},
            "mappings": {"dynamic": "strict", "_meta": meta, "properties": _FIELDS[kind]},
        },
    }
    composed = {
        "version": TEMPLATE_VERSION,
        "_meta": meta,
        "index_patterns": [index],
        "priority": _PRIORITY,
        "composed_of": [index],
        "template": {"settings": {"index": sizes}},
    }
    return IndexTemplate(index, component, composed)


def index_templates(options: IndexerOptions) -> tuple[IndexTemplate, IndexTemplate, IndexTemplate]:
    """The templates of articles, revisions and trace. The alias is in none: a reindex target must not join it."""
    names = index_names(options.index_prefix)
    return (
        _template("articles", names.articles, options),
        _template("revisions", names.revisions, options),
        _template("trace", names.trace, options),
    )

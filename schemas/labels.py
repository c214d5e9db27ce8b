"""What the processors say an article is about. Every label carries its evidence.

The flat tuples (`entities.person`, `places.name`, `topics.code` …) are for facets; the `detail` objects say why.
Offsets count Unicode code points of `text` (mentions in the title are counted and flagged, but have no offsets).
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

EntityKind = Literal["PER", "LOC", "ORG", "MISC"]
PlaceKind = Literal["country", "region", "department", "commune", "city", "area"]
StoryRelation = Literal["first", "copy", "edited", "brief", "extension", "independent"]


class Entity(Struct, frozen=True, kw_only=True):
    """What one or more mentions name."""

    name: Annotated[str, Meta(description="canonical spelling, the fullest form in the article")]
    kind: EntityKind
    count: Annotated[int, Meta(description="mentions in title and text")]
    in_title: bool = False
    mentions: Annotated[tuple[tuple[int, int], ...], Meta(description="[start, end) in text")] = ()


class Entities(Struct, frozen=True, kw_only=True):
    """The article's entities, most mentioned first."""

    person: tuple[str, ...] = ()
    organization: tuple[str, ...] = ()
    in_title: tuple[str, ...] = ()
    detail: tuple[Entity, ...] = ()


class GeoPoint(Struct, frozen=True):
    """Degrees, WGS 84; the object form of Elasticsearch's geo_point."""

    lat: float
    lon: float


class Place(Struct, frozen=True, kw_only=True):
    """An entity found in the gazetteer."""

    name: Annotated[str, Meta(description="French name")]
    kind: PlaceKind
    country: Annotated[str | None, Meta(description="ISO 3166-1 alpha-2")] = None
    location: GeoPoint | None = None
    insee: Annotated[str | None, Meta(description="INSEE commune code")] = None
    department: Annotated[str | None, Meta(description="INSEE département code")] = None
    count: int = 1
    evidence: Annotated[tuple[str, ...], Meta(description="the mentions and demonyms that led here")] = ()


class Places(Struct, frozen=True, kw_only=True):
    """The article's places, most mentioned first."""

    name: tuple[str, ...] = ()
    location: tuple[GeoPoint, ...] = ()
    insee: tuple[str, ...] = ()
    department: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    detail: tuple[Place, ...] = ()


class TopicLabel(Struct, frozen=True, kw_only=True):
    """One subject of the article, from IPTC Media Topics."""

    code: Annotated[str, Meta(description="e.g. medtop:11000000")]
    label: Annotated[str, Meta(description="IPTC's French label")]
    score: Annotated[float, Meta(description="calibrated probability, 0 to 1")]
    evidence: Annotated[tuple[str, ...], Meta(description="lexicon:TERM, section:NAME, vectors")] = ()


class Topics(Struct, frozen=True, kw_only=True):
    """The article's topic labels, most probable first."""

    code: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    detail: tuple[TopicLabel, ...] = ()


class Quotes(Struct, frozen=True, kw_only=True):
    """Direct quotations; `speaker[i]` said `text[i]` (an empty string where the speaker is not known)."""

    speaker: tuple[str, ...] = ()
    text: tuple[str, ...] = ()


class Language(Struct, frozen=True, kw_only=True):
    """The language of the text."""

    code: Annotated[str, Meta(description="ISO 639-1, or 639-3 where there is none")]
    confidence: float


class Story(Struct, frozen=True, kw_only=True):
    """The story an article belongs to; `id` is the article_id of its founder, for good."""

    id: str
    relation: StoryRelation


class Provenance(Struct, frozen=True, kw_only=True):
    """What made the labels: names and versions of models and lexicons, and what was found wrong on the way."""

    versions: dict[str, str] = {}
    problems: tuple[str, ...] = ()
    trace_id: str | None = None

"""What the pipeline makes of one text, as the JSON object that `kiosque inspect text` prints."""

from functools import lru_cache
from typing import Any

import msgspec

from processors.enrich import LABELS_RELEASE, Tagger


def inspect_text(text: str, *, title: str = "", url: str | None = None, tagger: Tagger | None = None) -> dict[str, Any]:
    """Labels of one text, French or not, as plain JSON types.

    Args:
        text: The text, paragraphs separated by newlines.
        title: Its title, if any.
        url: Its address, if any; folders of the path are evidence for the topics.
        tagger: Loaded models; by default the process's own, loaded at the first call.

    Returns:
        {"language": {code, confidence}, "entities": [{name, kind, count, in_title, mentions}], "places": [{name,
        country, location, …}], "primary_place", "topics": [{code, label, score, evidence}], "keyphrases", "quotes":
        [{speaker, text}], "labels_release", "versions", "problems"}. A text in another language is labelled all the
        same; `language` says that the pipeline would set it aside.
    """
    tagger = tagger or shared_tagger()
    language = tagger.language(text, title)
    labels = tagger.labels(title, text, url=url)
    found: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode(
            {
                "language": language,
                "entities": labels.entities.detail,
                "places": labels.places.detail,
                "primary_place": labels.primary_place,
                "topics": labels.topics.detail,
                "keyphrases": labels.keyphrases,
                "quotes": [
                    {"speaker": speaker or None, "text": words}
                    for speaker, words in zip(labels.quotes.speaker, labels.quotes.text, strict=True)
                ],
                "labels_release": LABELS_RELEASE,
                "versions": labels.versions,
                "problems": labels.problems,
            }
        )
    )
    return found


@lru_cache(maxsize=1)
def shared_tagger() -> Tagger:
    """The process's models, loaded once: for the command line and for tests; services load their own."""
    return Tagger.load()

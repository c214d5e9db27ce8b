"""How French text becomes search terms: the `analysis` settings of every index that holds French.

    char filters   œ -> oe, æ -> ae, every apostrophe -> ', no soft hyphens; O.N.U. -> ONU
    standard       words, by Unicode's rules
    elision        l'élection -> élection, Qu'il -> il
    stop           le, la, des ... only in lower case: before `lowercase`
    lowercase
    light_french   élections -> election
    asciifolding   last, so that the stemmer sees the accents

Stop words go *before* lower-casing: after it, « Le Pen » would find « stylo pen », « La Poste » « le poste », and MES,
EU, Elle would find nothing (verified on a real server). `french_exact` keeps every word and every ending.
"""

from typing import Any, Final

FRENCH: Final = "french_text"
FRENCH_EXACT: Final = "french_exact"
FRENCH_PREFIX: Final = "french_prefix"

_CHAR_FILTERS: Final = ["french_characters", "french_acronyms"]

_ARTICLES: Final = ["l", "m", "t", "qu", "n", "s", "j", "d", "c", "jusqu", "quoiqu", "lorsqu", "puisqu"]

_CHARACTERS: Final = [
    "œ=>oe",
    "Œ=>OE",
    "æ=>ae",
    "Æ=>AE",
    "’=>'",
    "‘=>'",
    "ʼ=>'",
    "＇=>'",
    "\\u00AD=>",
]

# A full stop between two letters that stand alone: "O.N.U." loses its inner ones (the tokenizer drops the last),
# "J.-F." and "12.5" keep theirs.
_INNER_STOP: Final = r"(?<=(?<![\p{L}\p{N}])\p{L})\.(?=\p{L}(?![\p{L}\p{N}]))"


def _analyzer(*filters: str) -> dict[str, Any]:
    return {"type": "custom", "char_filter": _CHAR_FILTERS, "tokenizer": "standard", "filter": list(filters)}


ANALYSIS: Final[dict[str, Any]] = {
    "char_filter": {
        "french_characters": {"type": "mapping", "mappings": _CHARACTERS},
        "french_acronyms": {"type": "pattern_replace", "pattern": _INNER_STOP, "replacement": ""},
    },
    "filter": {
        "french_elision": {"type": "elision", "articles_case": True, "articles": _ARTICLES},
        "french_stop": {"type": "stop", "stopwords": "_french_"},
        "french_stem": {"type": "stemmer", "language": "light_french"},
        "word_beginnings": {"type": "edge_ngram", "min_gram": 2, "max_gram": 20, "preserve_original": True},
    },
    "analyzer": {
        FRENCH: _analyzer("french_elision", "french_stop", "lowercase", "french_stem", "asciifolding"),
        FRENCH_EXACT: _analyzer("french_elision", "lowercase", "asciifolding"),
        FRENCH_PREFIX: _analyzer("french_elision", "lowercase", "asciifolding", "word_beginnings"),
    },
}
"""The value of `index.analysis`."""

"""Where a name begins and ends within the span the language model found.

Only marks, articles, time stamps and function words at the edges; what a name is worth is entity_repairs.py's business.
Pure.
"""

import re

_EDGE = " \t\u00a0\u202f\ufeff.,;:!?…«»“”\"'()[]–—-/*•·"
_ARTICLE = re.compile(
    r"(?:l'|d'|la |le |les |un |une |des |du |de la |de |au |aux |à |en |ce |cette |ces |son |sa |ses )"
)
_TIME_STAMP = re.compile(r"\d{1,2}\s?h\s?\d{0,2}\s*[-–:]?\s*(?=[A-ZÉ])")
_QUOTE = re.compile(r"[«»“”\"]")
_DASH = re.compile(r"\s[-–—]\s")
_TRAILING = re.compile(
    r"(?: (?:et|ou|de|la|le|les|l'|du|des|d'|dans|en|à|au|aux|par|pour|sur|avec|qui|que|est|a|un|une|ce|&))+$"
)
_IN_THE = re.compile(r" (?:dans|après|avant|depuis) (?:la|le|les|l'|un|une|son|sa)\b.*$")
_INITIALS = re.compile(r"(?:\b[A-ZÉ]\.){2,}$")


def name_bounds(text: str, start: int, end: int) -> tuple[int, int]:
    """The bounds of the name within text[start:end]; empty (start == end) if nothing is left.

    « 8h35 - Volvo » is Volvo, « la France » is France, « Conseil d'Etat et de la » is Conseil d'Etat; a span that runs
    into a quotation or beyond a bracket or dash ends there.
    """
    start, end = _without_marks(text, start, end)
    if stamp := _TIME_STAMP.match(text, start, end):
        start = stamp.end()
    end = _first_part(text, start, end)
    start, end = _without_marks(text, start, end)
    while article := _ARTICLE.match(text, start, end):
        start = article.end()
    for pattern in (_IN_THE, _TRAILING):
        if rest := pattern.search(text[start:end]):
            end = start + rest.start()
    return _without_marks(text, start, end)


def _without_marks(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in _EDGE:
        start += 1
    while end > start and text[end - 1] in _EDGE and not _belongs_to_name(text[start:end]):
        end -= 1
    return start, end


def _first_part(text: str, start: int, end: int) -> int:
    """The end of the part before a quotation mark, a dash between blanks, or a bracket that was not opened."""
    words = text[start:end]
    cuts = [match.start() for pattern in (_QUOTE, _DASH) if (match := pattern.search(words))]
    if ")" in words and "(" not in words:
        cuts.append(words.index(")"))
    return start + min(cuts, default=len(words))


def _belongs_to_name(words: str) -> bool:
    """« Louis C.K. », « Géorgie (Etats-Unis) »: the mark at the end is part of the name."""
    return (words.endswith(")") and "(" in words) or bool(_INITIALS.search(words))


def begins_sentence(text: str, start: int) -> bool:
    """Whether a capital here may be that of a sentence's first word."""
    before = text[:start].rstrip(" \u00a0\u202f«“\"'(•-–—")
    return not before or before[-1] in ".!?…:;»”"

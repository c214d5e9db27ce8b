"""What the publisher reserves: text and data mining (TDMRep, directive 2019/790 art. 4) and robots directives.

TDM Reservation Protocol (W3C community report, 2022): header `tdm-reservation: 1`, meta element of that name; 0 says
that nothing is reserved, silence says nothing. `/.well-known/tdmrep.json` is not asked for yet.
"""

import re
from collections.abc import Mapping
from typing import Final

from schemas.articles import Rights, RightsBasis

_DIRECTIVE: Final = re.compile(r"^[a-z][a-z0-9:_-]*$")
_MAX_DIRECTIVES: Final = 20


def page_rights(headers: Mapping[str, str], *, reservation: str | None, policy: str | None, robots: str) -> Rights:
    """The rights truth of a page, with evidence.

    Args:
        headers: response headers, lower-case names.
        reservation: content of the meta element `tdm-reservation`.
        policy: content of the meta element `tdm-policy`.
        robots: content of meta robots.
    """
    said = {"header tdm-reservation": headers.get("tdm-reservation"), "meta tdm-reservation": reservation}
    answers = {where: value.strip() for where, value in said.items() if value and value.strip() in {"0", "1"}}
    reserved = None if not answers else "1" in answers.values()
    return Rights(
        tdm_reserved=reserved,
        tdm_policy=headers.get("tdm-policy") or policy,
        robots=_directives(robots, headers.get("x-robots-tag", "")),
        evidence=tuple(f"{where}={value}" for where, value in answers.items()),
    )


def text_may_be_kept(rights: Rights, basis: RightsBasis) -> bool:
    """Whether the page's text may be kept: under art. 4 not where mining is reserved."""
    return basis != "art4" or rights.tdm_reserved is not True


def _directives(*texts: str) -> tuple[str, ...]:
    words = (word.strip().lower() for text in texts for word in text.split(","))
    return tuple(dict.fromkeys(word for word in words if _DIRECTIVE.match(word)))[:_MAX_DIRECTIVES]

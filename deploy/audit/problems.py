"""What can be wrong with an article: the slugs, what each means, and the next step. Pure.

What a stage lost it gives again: set its consumer group back to before the record, start it, and whatever it does
twice changes nothing (docs/delivery.md). What only the index lacks comes with a re-enrichment.
"""

from dataclasses import dataclass
from typing import Final, Literal

from deploy.audit.facts import Place

Problem = Literal[
    "lost_at_dedupe",
    "stray_at_dedupe",
    "twice_at_dedupe",
    "revision_gap",
    "lost_at_enrich",
    "lost_at_reenrich",
    "lost_at_cluster",
    "versions_go_back",
    "twice_at_cluster",
    "not_set_aside",
    "missing_in_index",
    "wrong_in_index",
    "twice_in_index",
    "stray_in_index",
    "revision_missing",
    "stray_revision",
    "not_withdrawn",
]

PROBLEMS: Final[dict[Problem, str]] = {
    "lost_at_dedupe": "read by dedupe, but nothing came of it",
    "stray_at_dedupe": "on articles.unique, but dedupe did not accept it",
    "twice_at_dedupe": "one revision number for two records",
    "revision_gap": "revision numbers leave out some, or go back",
    "lost_at_enrich": "accepted, but enrich did nothing with it",
    "lost_at_reenrich": "asked for by a replay, but reenrich did nothing with it",
    "lost_at_cluster": "labelled, but not on articles.enriched",
    "versions_go_back": "versions on articles.enriched go back",
    "twice_at_cluster": "one version on articles.enriched twice",
    "not_set_aside": "no message, yet not among the dead letters",
    "missing_in_index": "on articles.enriched, but not in the index",
    "wrong_in_index": "another version in the index than on articles.enriched",
    "twice_in_index": "in two indices behind the alias",
    "stray_in_index": "in the index, but not on articles.enriched",
    "revision_missing": "a revision is not in the index of revisions",
    "stray_revision": "in the index of revisions, but must not be",
    "not_withdrawn": "covered by a withdrawal order, but still there",
}
"""In the order of the pipeline."""

_READ_AGAIN: Final[dict[Problem, str]] = {
    "lost_at_dedupe": "dedupe",
    "lost_at_enrich": "enrich",
    "lost_at_reenrich": "reenrich",
    "lost_at_cluster": "cluster",
}
_STEPS: Final[dict[Problem, str]] = {
    "lost_at_dedupe": "see what dedupe logged at that time",
    "stray_at_dedupe": "find out who else writes to articles.unique",
    "twice_at_dedupe": "find out who else writes to articles.unique, and report it",
    "revision_gap": "find out who else writes to articles.unique, and report it",
    "versions_go_back": "find out who else writes to articles.enriched, and report it",
    "twice_at_cluster": "find out who else writes to articles.enriched, and report it",
    "missing_in_index": "`kiosque replay --article URL` makes it anew",
    "wrong_in_index": "`kiosque replay --article URL` writes it anew, if the index is behind; else find out who else "
    "writes to the index",
    "twice_in_index": "delete it from the index that articles are no longer written to",
    "stray_in_index": "find out who else writes to the index, and delete the document",
    "revision_missing": "`kiosque replay --article URL` writes the last revision anew; earlier ones stay away",
    "stray_revision": "find out who else writes to the index, and delete the document",
    "not_withdrawn": "`kiosque forget URL --wait 60` withdraws it again",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be.

    Attributes:
        problem: a slug of PROBLEMS.
        article_id: empty for a record that tells no article.
        found: what was found, as a clause.
        place: of the record that shows it; None if only the index does.
    """

    problem: Problem
    article_id: str
    found: str
    place: Place | None = None


def next_step(finding: Finding, url: str | None) -> str:
    """What to do about it, as a clause."""
    step = _STEPS.get(finding.problem, "")
    if url is not None:
        step = step.replace("URL", url)
    stage = _READ_AGAIN.get(finding.problem)
    if finding.problem == "not_set_aside" and finding.place is not None:
        stage = STAGE_OF[finding.place.kafka_topic]
    if stage is None or finding.place is None:
        return step
    topic, partition, offset = finding.place
    again = f"set group kiosque-{stage} back to {offset} on partition {partition} of {topic} while {stage} is stopped"
    return f"{step}; {again}" if step else again


STAGE_OF: Final = {
    "articles.fetched": "dedupe",
    "articles.unique": "enrich",
    "articles.reenrich": "reenrich",
    "articles.tagged": "cluster",
    "articles.enriched": "index",
    "articles.redelivered": "index",
}
"""Which stage reads a topic."""

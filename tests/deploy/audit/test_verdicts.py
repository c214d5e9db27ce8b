"""One test for each rule: what is right is silent, what is wrong is named."""

import pytest

from deploy.audit.facts import Fact, Flag, Kind, Place, place_key
from deploy.audit.problems import PROBLEMS, Finding, next_step
from deploy.audit.records import DECIDED
from deploy.audit.verdicts import OUTCOMES, Verdict
from schemas.messages import version_of
from tests.deploy.audit.facts import (
    ID,
    START,
    accepted,
    at,
    carried,
    clean,
    deduped,
    document,
    enriched,
    fact,
    judged,
    letter,
    null,
    problems,
    reading,
    revision,
    tagged,
    unique,
    withdrawn,
    without,
)

FRENCH_NOT = fact(Kind.FOREIGN, number=1)
LATE = START + 100 * 24 * 3600


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        (clean(), "enriched"),
        (clean(3), "enriched"),
        (withdrawn(), "withdrawn"),
        ([*accepted(1, 1), FRENCH_NOT], "not_french"),
        ([*accepted(1, 1), letter("articles.unique", unique())], "set_aside"),
        ([reading(1), letter("articles.fetched", reading(1))], "set_aside"),
        ([deduped("not_modified", 1)], "not_held"),
        ([*clean(), reading(60, flags=Flag.PENDING)], "under_way"),
        ([*clean(), fact(Kind.MARK, flags=Flag.PENDING)], "under_way"),
    ],
)
def test_what_is_right_has_one_outcome(facts: list[Fact], outcome: str):
    assert judged(facts) == Verdict(outcome)
    assert outcome in OUTCOMES


def test_reading_without_any_outcome_is_lost_at_dedupe():
    finding = Finding(
        "lost_at_dedupe", ID, "the reading of 2026-09-21 14:33:20 UTC has no outcome", Place("articles.fetched", 0, 20)
    )
    assert judged([*clean(), reading(20)]) == Verdict("faulty", (finding,))
    assert next_step(finding, None) == (
        "see what dedupe logged at that time; set group kiosque-dedupe back to 20 on partition 0 of articles.fetched "
        "while dedupe is stopped"
    )


def test_a_lost_withdrawal_is_lost_at_dedupe():
    assert problems([*clean(), fact(Kind.WITHDRAWAL_ASKED, offset=90)]) == ["lost_at_dedupe"]


def test_reading_older_than_the_trace_is_not_judged():
    assert problems([*clean(), reading(20)], since={"articles.trace": LATE}) == []


def test_reading_of_a_withdrawn_article_needs_no_trace_of_its_own():
    assert problems([*withdrawn(), reading(95)]) == []


def test_reading_with_a_time_of_another_zone_is_answered_by_any_trace():
    assert problems([*clean(), reading(20, flags=Flag.ELSEWHERE)]) == []
    assert problems([reading(20, flags=Flag.ELSEWHERE)]) == ["lost_at_dedupe"]


def test_accepted_revision_that_is_not_on_unique_is_lost_at_dedupe():
    facts = without(clean(2), Kind.UNIQUE, number=2)
    assert problems(facts) == ["lost_at_dedupe"]
    assert problems(facts, since={"articles.unique": LATE}) == []


def test_article_nobody_accepted_is_a_stray():
    facts = [*without(clean(), Kind.DOCUMENT), unique(2, 1), *carried(2), document(2)]
    assert problems(facts) == ["stray_at_dedupe"]
    assert problems(facts, since={"articles.trace": LATE}) == []


def test_article_of_a_reading_that_is_not_there_is_a_stray():
    facts = [one for one in clean(2) if one != reading(2)]
    assert problems(facts) == ["stray_at_dedupe"]
    assert problems(facts, since={"articles.fetched": at(3) // 1_000_000}) == []


def test_articles_from_before_the_input_was_made_anew_are_no_strays():
    assert problems(without(clean(2), Kind.READING), first_fetched=START + 7200) == []


def test_one_number_for_two_readings_is_double():
    (finding,) = judged([*clean(), reading(60), deduped("accepted", 60, 1), unique(1, 60, offset=7)]).findings
    assert (finding.problem, finding.found) == ("twice_at_dedupe", "revision 1 2 times, of different readings")


def test_one_reading_written_twice_is_double():
    (finding,) = judged([*clean(), unique(1, 1, offset=7)]).findings
    assert (finding.problem, finding.found) == ("twice_at_dedupe", "revision 1 2 times, of the same reading")


def test_number_that_is_revision_and_withdrawal_is_double():
    assert "twice_at_dedupe" in problems([*withdrawn(), unique(2, 1, offset=91)])


def test_withdrawal_that_is_said_again_is_not_double():
    assert problems([*withdrawn(), fact(Kind.UNIQUE_WITHDRAWAL, number=2, offset=91), null(2)]) == []


def test_dead_letter_tried_again_is_not_double():
    again = unique(1, 1, offset=70, flags=Flag.RESENT)
    assert problems([*clean(), letter("articles.unique", unique(1, 1)), again]) == []
    assert problems([again, *carried(1), document(1)]) == []  # its first record and trace have expired


def test_gap_in_the_revisions_is_named():
    facts = [*accepted(1, 1), *carried(1), *accepted(3, 3), *carried(3), document(3)]
    assert problems(facts) == ["revision_gap"]


def test_revisions_that_go_back_are_named():
    facts = [one._replace(offset=9) if one == unique(1, 1) else one for one in clean(2)]
    assert problems(facts) == ["revision_gap"]


def test_revision_that_enrich_set_aside_is_no_gap():
    facts = [*accepted(1, 1), *carried(1), *accepted(2, 2), *accepted(3, 3), *carried(3), document(3)]
    assert problems([*facts, letter("articles.unique", unique(2))]) == []


def test_accepted_article_that_goes_no_further_is_lost_at_enrich():
    assert problems(accepted(1, 1)) == ["lost_at_enrich"]
    facts = [*clean(), *accepted(2, 2)]
    assert problems(facts) == ["lost_at_enrich"]
    assert problems([*facts, fact(Kind.FOREIGN, number=2)]) == []
    assert problems([*facts, fact(Kind.FOREIGN, number=1)]) == ["lost_at_enrich"]
    assert problems([*facts, letter("articles.unique", unique(2))]) == []
    assert problems([*facts, letter("articles.tagged", unique(2))]) == ["lost_at_enrich"]


def test_lost_withdrawal_is_found_at_every_hop():
    facts = withdrawn()
    assert problems(without(facts, Kind.UNIQUE_WITHDRAWAL)) == ["lost_at_dedupe"]
    assert problems(without(facts, Kind.TAGGED_WITHDRAWAL)) == []
    gone = without(facts, Kind.TAGGED_WITHDRAWAL, Kind.ENRICHED_NULL)
    assert problems([*gone, document(), revision()]) == ["lost_at_enrich"]
    assert problems([*without(facts, Kind.ENRICHED_NULL), document(), revision()]) == ["lost_at_cluster"]


def test_labelled_article_that_goes_no_further_is_lost_at_cluster():
    facts = [*accepted(1, 1), tagged()]
    (finding,) = judged(facts).findings
    assert finding.problem == "lost_at_cluster"
    assert finding.found == "revision 1 is on articles.tagged, articles.enriched has nothing of it"
    assert problems([*facts, letter("articles.tagged", tagged())]) == []


def test_replay_must_go_on_or_be_superseded():
    asked = fact(Kind.REENRICH, number=version_of(1, 3))
    assert problems([*clean(), asked]) == ["lost_at_reenrich"]
    assert problems([*clean(2), asked]) == []
    assert problems([*clean(), asked, fact(Kind.FOREIGN, number=1, code=1)]) == []
    assert problems([*clean(), asked, letter("articles.reenrich", asked)]) == []
    assert problems([*clean(), asked, tagged(1, 3)]) == ["lost_at_cluster"]
    done = [*without(clean(), Kind.DOCUMENT, Kind.REVISION), asked, tagged(1, 3), enriched(1, 3)]
    assert problems([*done, document(1, 3), revision(1, 3)]) == []


def test_versions_that_go_back_are_named():
    facts = [*clean(2), enriched(1, offset=version_of(9, 0))]
    assert "versions_go_back" in problems(facts)
    assert "versions_go_back" in problems([*withdrawn(), enriched(3), document(3), revision(3)])


def test_version_written_twice_is_double():
    assert problems([*clean(), enriched(1, offset=version_of(1, 5))]) == ["twice_at_cluster"]


def test_document_must_be_there_with_the_last_version():
    assert problems(without(clean(), Kind.DOCUMENT)) == ["missing_in_index"]
    (finding,) = judged([*without(clean(2), Kind.DOCUMENT), document(1)]).findings
    assert finding.problem == "wrong_in_index"
    assert finding.found == "the index holds revision 1, articles.enriched ends with revision 2"
    assert problems([*without(clean(), Kind.DOCUMENT), document(1, 7)]) == ["wrong_in_index"]


def test_without_index_nothing_is_said_of_it():
    assert problems(without(clean(), Kind.DOCUMENT, Kind.REVISION), with_index=False) == []


def test_what_the_sink_set_aside_need_not_be_in_the_index_but_may():
    facts = [*without(clean(), Kind.DOCUMENT, Kind.REVISION), letter("articles.enriched", enriched())]
    assert problems(facts) == []
    assert problems([*facts, document(), revision()]) == []
    second = [*accepted(2, 2), tagged(2), enriched(2), letter("articles.enriched", enriched(2), version_of(2, 0))]
    assert problems([*clean(), *second]) == []


def test_id_in_two_indices_is_double():
    assert problems([*clean(), document()]) == ["twice_in_index"]


def test_document_nobody_wrote_is_a_stray():
    assert problems([document()]) == ["stray_in_index"]
    assert problems([document(), revision()]) == ["stray_in_index", "stray_revision"]
    assert problems([*withdrawn(), document(1)]) == ["stray_in_index"]


def test_revisions_must_all_be_there():
    assert problems(without(clean(2), Kind.REVISION, number=2)) == ["revision_missing"]
    assert problems(without(clean(2), Kind.REVISION, number=1)) == ["revision_missing"]
    compacted = without(clean(2), Kind.ENRICHED, number=version_of(1, 0))
    assert problems(without(compacted, Kind.REVISION, number=1)) == ["revision_missing"]
    old = without(compacted, Kind.REVISION, Kind.UNIQUE, number=1)
    assert problems(old, since={"articles.unique": LATE}) == []


def test_earlier_revision_that_ended_before_the_index_is_not_missed():
    facts = [*accepted(1, 1), *accepted(2, 2), *carried(2), document(2)]
    assert problems(facts) == ["revision_missing"]
    assert problems([*facts, FRENCH_NOT]) == []
    assert problems([*facts, letter("articles.unique", unique(1))]) == []
    assert problems([*facts, tagged(1), letter("articles.tagged", tagged(1))]) == []
    assert problems([*facts, letter("articles.enriched", enriched(1), version_of(1, 0))]) == []


def test_revision_documents_of_a_withdrawn_or_unknown_article_are_strays():
    assert problems([*withdrawn(), revision()]) == ["stray_revision"]
    assert problems([*clean(), revision(2)]) == ["stray_revision"]
    assert problems([*without(clean(), Kind.REVISION), revision(1, 4)]) == ["stray_revision"]


def test_covered_article_must_be_gone():
    covered = [one._replace(flags=Flag.COVERED) if one.kind == Kind.DOCUMENT else one for one in clean()]
    assert problems(covered) == ["not_withdrawn"]
    on_kafka = [one._replace(flags=Flag.COVERED) if one.kind == Kind.ENRICHED else one for one in clean()]
    assert problems(without(on_kafka, Kind.DOCUMENT, Kind.REVISION), with_index=False) == ["not_withdrawn"]
    gone = [one._replace(flags=Flag.COVERED) if one.kind == Kind.ENRICHED else one for one in withdrawn()]
    assert problems(gone) == []


def test_nothing_is_said_of_what_is_under_way():
    assert problems([reading(1), unique(1, 1, flags=Flag.PENDING), unique(1, 1), document(9)]) == []


def test_record_that_is_no_message_must_be_a_dead_letter():
    place = Place("articles.unique", 2, 17)
    record = Fact(place_key(place), Kind.UNREADABLE, partition=2, code=1, offset=17)
    found = Finding("not_set_aside", "", "enrich can make nothing of the record", place)
    assert judged([record]) == Verdict(None, (found,))
    assert next_step(found, None).startswith("set group kiosque-enrich back to 17 on partition 2 of articles.unique")
    assert judged([record, Fact(place_key(place), Kind.LETTER_AT)]) == Verdict(None)
    assert judged([record._replace(flags=Flag.PENDING)]) == Verdict(None)
    assert judged([Fact(place_key(place), Kind.LETTER_AT)]) == Verdict(None)


def test_every_problem_has_a_next_step():
    place = Place("articles.unique", 0, 1)
    assert all(next_step(Finding(problem, ID, "", place), "http://a.example/1") for problem in PROBLEMS)
    assert "URL" not in "".join(next_step(Finding(problem, ID, "", place), "http://x") for problem in PROBLEMS)


def test_dispositions_are_those_of_dedupe():
    assert set(DECIDED) == {"accepted", "revised", "not_modified", "superseded", "withdrawn"}

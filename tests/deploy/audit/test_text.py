"""What a person and a program read of an audit."""

import io
from collections import Counter

import msgspec
from rich.console import Console

from deploy.audit.facts import Place
from deploy.audit.operation import Example, Report
from deploy.audit.problems import Finding
from deploy.audit.text import result_json, result_text

ID = "0f" * 16
URL = "http://www.phare-ouest.example/cantine.html"


def shown(report: Report) -> str:
    output = io.StringIO()
    console = Console(file=output, width=140, highlight=False, soft_wrap=True)
    for part in result_text(report):
        console.print(part)
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines())


def clean() -> Report:
    return Report(
        records=Counter({"articles.fetched": 1_200, "articles.enriched": 800}),
        documents=790,
        revisions=800,
        outcomes=Counter({"enriched": 790, "withdrawn": 10, "under_way": 3}),
    )


def wrong() -> Report:
    report = clean()
    report.outcomes["faulty"] = 2
    report.note(
        [
            Finding("missing_in_index", ID, "revision 1 has no document", Place("articles.enriched", 2, 17)),
            Finding("not_set_aside", "", "enrich can make nothing of the record", Place("articles.unique", 0, 4)),
            Finding("missing_in_index", "1e" * 16, "revision 1 has no document"),
        ],
        1,
    )
    report.examples["missing_in_index"] = [Example(report.examples["missing_in_index"][0].finding, URL)]
    return report


def test_clean_result():
    assert shown(clean()) == (
        "2,000 records on Kafka, 790 articles and 800 revisions in the index\n"
        " articles\n"
        "      790  on articles.enriched, and in the index as there\n"
        "       10  withdrawn, nothing is left of it\n"
        "        3  under way\n"
        "      803  in all\n"
        "Everything is there, and once.\n"
        "3 articles are under way; run again when the stages have caught up (`kiosque status`)."
    )


def test_result_without_index_says_so():
    report = clean()
    report.documents = report.revisions = None
    text = shown(report)
    assert "2,000 records on Kafka; the index was not asked" in text
    assert "790  on articles.enriched\n" in text


def test_problems_are_counted_named_and_followed_by_the_next_step():
    assert shown(wrong()).splitlines()[7:] == [
        " findings  problem",
        "        1  not_set_aside     no message, yet not among the dead letters",
        "        2  missing_in_index  on articles.enriched, but not in the index",
        "",
        "On articles.enriched, but not in the index (the first 1 of 2):",
        f"  {ID} {URL}",
        "    revision 1 has no document (articles.enriched 2:17)",
        f"    `kiosque replay --article {URL}` makes it anew",
        "",
        "No message, yet not among the dead letters:",
        "  articles.unique 0:4",
        "    enrich can make nothing of the record",
        "    set group kiosque-enrich back to 4 on partition 0 of articles.unique while enrich is stopped",
        "3 things are not as they must be at 2 articles.",
        "3 articles are under way; run again when the stages have caught up (`kiosque status`).",
    ]


def test_address_cannot_command_a_terminal():
    report = wrong()
    report.examples["missing_in_index"][0].url = "http://a.example/\x1b[2J"
    assert "\x1b" not in shown(report)


def test_one_json_object():
    found = msgspec.json.decode(msgspec.json.encode(result_json(wrong())))
    assert found["clean"] is False
    assert found["articles"] == 805
    assert found["outcomes"]["faulty"] == 2
    assert found["records"] == {"articles.fetched": 1_200, "articles.enriched": 800}
    assert found["problems"]["missing_in_index"] == {
        "count": 2,
        "meaning": "on articles.enriched, but not in the index",
        "examples": [
            {
                "article_id": ID,
                "url": URL,
                "found": "revision 1 has no document",
                "place": "articles.enriched 2:17",
                "next": f"`kiosque replay --article {URL}` makes it anew",
            }
        ],
    }
    assert list(found["problems"]) == ["not_set_aside", "missing_in_index"]
    assert result_json(clean())["clean"] is True

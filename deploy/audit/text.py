"""An audit's result as a person or a program reads it. Pure."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table
from rich.text import Text

from deploy.audit.operation import Example, Report
from deploy.audit.problems import PROBLEMS, next_step
from deploy.audit.verdicts import OUTCOMES
from deploy.dead_letters.text import printable


def result_text(report: Report) -> Iterator[Table | Text]:
    """What was looked at, how the articles ended, what is wrong, with examples."""
    yield Text(_looked_at(report), style="dim")
    yield _outcomes(report)
    if report.problems:
        yield _problems(report)
        for problem, examples in report.examples.items():
            yield from _examples(PROBLEMS[problem], report.problems[problem], examples)
    yield Text(_conclusion(report), style="bold red" if report.problems else "bold green")
    under_way = report.outcomes["under_way"]
    if under_way:
        are = "article is" if under_way == 1 else "articles are"
        yield Text(f"{under_way:,} {are} under way; run again when the stages have caught up (`kiosque status`).")


def result_json(report: Report) -> dict[str, Any]:
    """The same for machines: one object."""
    return {
        "clean": not report.problems,
        "articles": report.articles,
        "outcomes": {outcome: report.outcomes[outcome] for outcome in OUTCOMES},
        "problems": {
            problem: {
                "count": report.problems[problem],
                "meaning": PROBLEMS[problem],
                "examples": [_example_json(example) for example in report.examples[problem]],
            }
            for problem in PROBLEMS
            if report.problems[problem]
        },
        "records": dict(report.records),
        "documents": report.documents,
        "revisions": report.revisions,
        "facts": report.facts,
    }


def _example_json(example: Example) -> dict[str, Any]:
    finding = example.finding
    return {
        "article_id": finding.article_id or None,
        "url": example.url,
        "found": finding.found,
        "place": None if finding.place is None else str(finding.place),
        "next": next_step(finding, example.url),
    }


def _looked_at(report: Report) -> str:
    where = f"{report.records.total():,} records on Kafka"
    if report.documents is None:
        return f"{where}; the index was not asked"
    return f"{where}, {report.documents:,} articles and {report.revisions:,} revisions in the index"


def _outcomes(report: Report) -> Table:
    table = Table(box=None, header_style="bold")
    table.add_column("articles", justify="right")
    table.add_column("")
    for outcome, meaning in OUTCOMES.items():
        if report.outcomes[outcome]:
            text = "on articles.enriched" if outcome == "enriched" and report.documents is None else meaning
            table.add_row(f"{report.outcomes[outcome]:,}", text)
    table.add_row(f"{report.articles:,}", "in all")
    return table


def _problems(report: Report) -> Table:
    table = Table(box=None, header_style="bold", title_justify="left")
    table.add_column("findings", justify="right")
    table.add_column("problem", no_wrap=True)
    table.add_column("")
    for problem, meaning in PROBLEMS.items():
        if report.problems[problem]:
            table.add_row(f"{report.problems[problem]:,}", problem, meaning)
    return table


def _examples(meaning: str, count: int, examples: list[Example]) -> Iterator[Text]:
    more = f" (the first {len(examples):,} of {count:,})" if count > len(examples) else ""
    if examples:
        yield Text(f"\n{meaning[0].upper()}{meaning[1:]}{more}:", style="bold")
    for example in examples:
        finding = example.finding
        name = " ".join(part for part in (finding.article_id, example.url) if part)
        yield Text(f"  {printable(name) or finding.place}", style="cyan")
        where = f" ({finding.place})" if finding.place is not None and name else ""
        yield Text(f"    {finding.found}{where}")
        yield Text(f"    {printable(next_step(finding, example.url))}", style="dim")


def _conclusion(report: Report) -> str:
    if not report.problems:
        return "Everything is there, and once."
    articles = report.outcomes["faulty"]
    of = f" at {articles:,} article{'' if articles == 1 else 's'}" if articles else ""
    findings = report.problems.total()
    if findings == 1:
        return f"One thing is not as it must be{of}."
    return f"{findings:,} things are not as they must be{of}."

"""The report as one HTML file that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from mcci.rehearsal.report.chart import chart
from mcci.rehearsal.report.timeline import timeline
from mcci.rehearsal.report.words import day, moment, seconds, sign

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mcci.rehearsal.report.model import Canary, Environment, Family, Link, Release, Report, Step, Wait


def html(report: Report) -> str:
    """Return the report's page."""
    style = files(__package__).joinpath("page.css").read_text("utf-8")
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>Rehearsal: {escape(report.title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>",
            *_head(report),
            *_section("Steps", _steps(report.steps)),
            *_section("Longest waits", _waits(report.waits)),
            *(line for each in report.canaries for line in _section(f"Canary of {each.service}", _canary(each))),
            *_section("Environments", _environments(report.environments)),
            *_section("Releases", (line for each in report.releases for line in _release(each))),
            *_section("Pipelines", (line for each in report.families for line in _family(each))),
            "</main>\n</body>\n</html>\n",
        ]
    )


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield a section, or nothing where there is nothing in it."""
    found = list(lines)
    if found:
        yield from (f"<section>\n<h2>{escape(title)}</h2>", *found, "</section>")


def _head(report: Report) -> Iterator[str]:
    yield f"<h1>{escape(report.title)}</h1>"
    yield f'<p class="soft">{escape(report.scenario)}, {day(report.began)}</p>'
    if report.description:
        yield f"<p>{escape(report.description)}</p>"
    if report.passed:
        said = f"✓ Passed in {seconds(report.seconds)}: every step ({len(report.steps)}) went as the scenario says."
        yield f'<p class="verdict">{said}</p>'
    else:
        yield f'<p class="verdict no">✕ Failed after {seconds(report.seconds)}: {escape(report.error)}</p>'


def table(names: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> Iterator[str]:
    """Yield a table; cells are HTML, `numbers` the columns that are set to the right."""
    cells = "".join(
        f'<th scope="col"{" class=number" if at in numbers else ""}>{escape(name)}</th>'
        for at, name in enumerate(names)
    )
    found = [
        "<tr>"
        + "".join(
            f'<td data-name="{escape(names[at])}"{" class=number" if at in numbers else ""}>{cell}</td>'
            for at, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    ]
    if found:
        yield f'<table class="stack"><thead><tr>{cells}</tr></thead><tbody>'
        yield from (*found, "</tbody></table>")


def _status(status: str) -> str:
    return f'<span class="status {escape(status)}">{sign(status)} {escape(status)}</span>' if status else "–"


def _steps(steps: Sequence[Step]) -> Iterator[str]:
    def row(step: Step) -> Sequence[str]:
        said = step.error or step.said
        told = f'<div class="said">{escape(said)}</div>' if said else ""
        return (
            moment(step.began),
            _status("failed" if step.error else "success"),
            escape(step.title) + told,
            seconds(step.seconds),
        )

    yield from table(("At", "Went", "Step", "Took"), map(row, steps), (3,))


def _waits(waits: Sequence[Wait]) -> Iterator[str]:
    rows = ([escape(each.what), f"#{each.pipeline}", seconds(each.seconds)] for each in waits)
    yield from table(("What was waited for", "Pipeline", "Took"), rows, (2,))


def _canary(canary: Canary) -> Iterator[str]:
    yield f"<p>{escape(canary.canary)} beside {escape(canary.stable)}: {escape(canary.phase)}.</p>"
    yield '<p class="key"><b class="canary">●</b> canary <b class="stable">●</b> stable</p>'
    yield chart(canary)
    rows = (
        [moment(each.at), escape(f"{each.action} {each.step or ''}".strip()), escape(each.who),
         f"{escape(each.verdict) or '–'}{_said(each.why)}"]
        for each in canary.moves
    )  # fmt: skip
    yield from table(("At", "Move", "By", "Verdict"), rows)


def _said(text: str) -> str:
    return f'<div class="said">{escape(text)}</div>' if text else ""


def _environments(found: Sequence[Environment]) -> Iterator[str]:
    def row(each: Environment) -> Sequence[str]:
        release = f"<code>{escape(each.release[:12])}</code>" if each.release else "–"
        by = f"{escape(each.job)}, #{each.pipeline}{_said(f'by {each.by}, {moment(each.at)}')}" if each.job else "–"
        return escape(each.name), escape(each.tier), release, by, _status(each.newest)

    yield from table(("Environment", "Tier", "Release", "Deployed by", "Newest deployment"), map(row, found))


def _release(found: Release) -> Iterator[str]:
    pipelines = ", ".join(f"#{each}" for each in found.pipelines)
    name = f"<code>{escape(found.name)}</code>" if found.name else "without a name"
    yield f"<h3>{name} <span class=soft>delivered by {pipelines}</span></h3>"
    rows = (
        [escape(each.service), f"<code>{escape(each.digest)}</code>", f"<code>{escape(each.content_tag)}</code>",
         f"<code>{escape(each.commit[:12])}</code>"]
        for each in found.images
    )  # fmt: skip
    yield from table(("Service", "Digest", "Content tag", "Commit"), rows)


def _family(family: Family) -> Iterator[str]:
    root = family.pipelines[0]
    yield f"<h3>#{root.id} {escape(root.name or root.ref)} {_status(root.status)}</h3>"
    took = seconds(root.finished - root.created) if root.finished else "not over"
    told = f"{root.ref} at {root.sha[:8]}, {root.source}, by {root.by}: {took}"
    yield f'<p class="soft">{escape(told)}</p>'
    yield timeline(family)
    if family.path:
        whole = sum(link.seconds + link.waited for link in family.path)
        ran = sum(link.seconds for link in family.path)
        yield f"<details><summary>Critical path: {seconds(whole)}, of which jobs ran {seconds(ran)}</summary>"
        yield from table(("Job", "Waited for", "Waited", "Ran"), map(_link, family.path), (2, 3))
        yield "</details>"


def _link(link: Link) -> Sequence[str]:
    return escape(link.job), escape(link.waited_for) or "–", seconds(link.waited), seconds(link.seconds)

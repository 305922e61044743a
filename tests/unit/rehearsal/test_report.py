"""The report of a rehearsal: times, waits, releases, environments and canaries, and how they are written."""

from __future__ import annotations

import json
import re
import zipfile
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcci.canary import state_json
from mcci.canary.state import Action, Actor, Entry, first
from mcci.errors import UsageError
from mcci.findings import Position
from mcci.pipeline.files import MemoryFiles
from mcci.rehearsal.gitlab.instance import GitLab
from mcci.rehearsal.gitlab.model import Artifact, Build, Pipeline, User
from mcci.rehearsal.play.rehearsal import Result, Taken
from mcci.rehearsal.report.collect import collect
from mcci.rehearsal.report.html import html
from mcci.rehearsal.report.timeline import timeline
from mcci.rehearsal.report.words import seconds, ticks
from mcci.rehearsal.report.write import write
from mcci.rehearsal.scenario.model import Action as StepAction
from mcci.rehearsal.scenario.model import Scenario, Step
from mcci.simulation.events import Event, Project, Source

if TYPE_CHECKING:
    from mcci.rehearsal.report.model import Report

USER = User(id=1, login="ada", name="Ada <b>", email="ada@example.com")
DIGEST = "sha256:" + "0f" * 32
PARENT = """
workflow: {name: Delivery of $CI_COMMIT_SHORT_SHA}
stages: [child, after]
child: {stage: child, trigger: {include: child.yml, strategy: depend}}
deliver: {stage: after, script: [deliver]}
"""
CHILD = """
stages: [build, deploy]
quick: {stage: build, script: [a]}
slow: {stage: build, script: [b], retry: 1}
deploy: {stage: deploy, needs: [slow], when: manual, allow_failure: false, script: [c],
  environment: {name: production/aws, deployment_tier: production}}
"""


class Clock:
    """A clock that a test moves."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Played:
    """A GitLab on which a parent and its child were played by a clock: 58 seconds, of which 20 wait for a person."""

    def __init__(self, folder: Path) -> None:
        files = MemoryFiles({".gitlab-ci.yml": PARENT, "child.yml": CHILD})
        project = Project(files=lambda ref: files if ref == "main" else None, path="vehicles/app")
        self.folder, self.clock = folder, Clock()
        self.gitlab = GitLab(folder, lambda: project, self.clock)
        self.parent = self.gitlab.start(Event(source=Source.PUSH, ref="main"), sha="ab" * 20, user=USER)
        self.child = self.gitlab.pipelines[2]
        self.clock.now += 2
        quick, slow = self.take("quick"), self.take("slow")
        self.finish(quick, after=3)
        self.finish(slow, after=7, success=False)
        self.finish(self.take("slow"), after=10)
        self.clock.now += 20
        deploy = self.gitlab.play(self.child.builds["deploy"], USER)
        self.clock.now += 4
        assert self.take("deploy") is deploy
        self.finish(deploy, after=10)
        self.finish(self.take("deliver"), after=2)

    def take(self, name: str) -> Build:
        """Give a runner its next job, which must be this one."""
        build = self.gitlab.take("r")
        assert build is not None
        assert build.name == name
        return build

    def finish(self, build: Build, *, after: float, success: bool = True) -> None:
        """End a job after so many seconds."""
        self.clock.now += after
        assert self.gitlab.finish(build, success=success, exit_code=0 if success else 3)

    def hand_over(self, pipeline: Pipeline, job: str, name: str, text: str) -> None:
        """Add an archive with one file to a job."""
        path = self.folder / f"{job}-{len(name)}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, text)
        pipeline.builds[job].artifacts.append(
            Artifact(type="archive", format="zip", name="artifacts.zip", path=path, size=path.stat().st_size)
        )


@pytest.fixture
def played(tmp_path: Path) -> Played:
    """A small rehearsal's GitLab."""
    return Played(tmp_path)


def report_of(played: Played, error: str = "") -> Report:
    """Return the report of a result with one step."""
    position = Position(file="scenarios/some.yml", line=3)
    step = Step(action=StepAction.PUSH, settings={}, position=position, name="A developer <pushes>")
    scenario = Scenario(file="scenarios/some.yml", title="v2 & more", description="", project=Path("."), steps=(step,))
    taken = Taken(step=step, began=999.0, seconds=1.5, said="" if error else "main is at abababab", error=error)
    return collect(Result(scenario=scenario, steps=[taken], seconds=60.0, error=error), played.gitlab)


def test_the_critical_path(played: Played) -> None:
    """It goes through the child, the attempt that failed and the person; the job beside it is not on it."""
    (family,) = report_of(played).families
    assert [(link.job, link.seconds, link.waited, link.waited_for) for link in family.path] == [
        ("slow", 10.0, 2.0, "a runner"),
        ("slow", 10.0, 0.0, ""),
        ("deploy", 10.0, 24.0, "a person"),
        ("deliver", 2.0, 0.0, ""),
    ]
    ended = max(job.finished or 0 for each in family.pipelines for job in each.jobs)
    assert sum(link.seconds + link.waited for link in family.path) == ended - family.pipelines[0].created == 58.0
    critical = {(job.name, job.attempt) for each in family.pipelines for job in each.jobs if job.critical}
    assert critical == {("slow", 0), ("slow", 1), ("deploy", 0), ("deliver", 0)}


def test_what_is_where(played: Played) -> None:
    """The release's digests come from its file, and an environment has the release of the pipeline that deployed it."""
    service = {"service": "api", "image": f"registry.example/api@{DIGEST}", "content_tag": "t1", "commit": "c" * 40,
               "source_pipeline": ""}  # fmt: skip
    text = json.dumps({"schema": "mcci.release/1", "release": "r1", "services": [service]})
    played.hand_over(played.child, "slow", "release.json", text)
    found = report_of(played)
    (release,) = found.releases
    assert (release.name, release.pipelines, release.images[0].digest) == ("r1", (2,), DIGEST)
    (environment,) = found.environments
    assert (environment.name, environment.tier, environment.release, environment.job, environment.newest) == (
        "production/aws", "production", "r1", "deploy", "success",
    )  # fmt: skip
    assert DIGEST in html(found)


def test_a_canary(played: Played) -> None:
    """A canary's points and verdicts are those of the state that its last job has left."""
    actor, at = Actor(who="ada"), datetime(2026, 1, 2, tzinfo=UTC)
    state = first("api", "v1", "r1", actor, at)
    evidence = {"canary": {"requests": 200, "errors": 4, "p95_ms": 31.0}, "stable": {"requests": 1800, "errors": 0}}
    entry = Entry(action=Action.STEP, at=at, actor=actor, version="v1", weights={"v1": 10}, step=10, verdict="pass",
                  why="no worse", evidence=evidence)  # fmt: skip
    played.hand_over(played.child, "deploy", "canary/api.json", state_json.dump(state.with_entry(entry)))
    (canary,) = report_of(played).canaries
    (point,) = canary.points
    assert (canary.service, point.weight, point.errors, point.latency) == ("api", 10, (2.0, 0.0), (31.0, None))
    assert [(each.action, each.verdict, each.why) for each in canary.moves] == [("step", "pass", "no worse")]
    assert "Canary of api" in html(report_of(played))


def test_a_damaged_archive_is_left_out(played: Played) -> None:
    """An archive that cannot be read, or a file that is not what it says, takes nothing from the rest of the report."""
    played.hand_over(played.child, "slow", "release.json", '{"schema": "mcci.release/1", "release": 1}')
    played.hand_over(played.child, "deploy", "canary/api.json", '{"schema": "mcci.canary/1"}')
    broken = played.folder / "broken.zip"
    broken.write_bytes(b"no zip")
    artifact = Artifact(type="archive", format="zip", name="a.zip", path=broken, size=6)
    played.child.builds["quick"].artifacts.append(artifact)
    found = report_of(played)
    assert (found.releases, found.canaries, len(found.families)) == ((), (), 1)


class Page(HTMLParser):
    """Notes a page's elements, and what of it is elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elsewhere: list[str] = []
        self.scripts = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.scripts += tag == "script"
        self.elsewhere += [value or "" for name, value in attrs if name in ("src", "href", "data")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Hold the end against what is open."""
        assert self.open.pop() == tag


def test_the_page_is_one_file(played: Played) -> None:
    """It is well nested, has no script, asks for nothing from elsewhere, and names are text in it and no markup."""
    text = html(report_of(played))
    page = Page(text)
    assert (page.open, page.elsewhere, page.scripts) == ([], [], 0)
    assert "url(" not in text
    assert "A developer &lt;pushes&gt;" in text
    assert "Ada &lt;b&gt;" in text
    assert "<b>" not in re.sub(r'<p class="key">.*', "", text)


def test_the_timeline(played: Played) -> None:
    """Each job that ran has a bar, at its share of the time, and what a job waited for a runner is drawn before it."""
    (family,) = report_of(played).families
    drawn = timeline(family)
    assert ">#1 Delivery of abababab<" in drawn
    assert drawn.count('class="bar"') == 5
    deploy = drawn[drawn.index("<title>deploy: success") :]
    assert f'class="wait" x="{100 * 42 / 58:.2f}%"' in deploy
    assert f'class="bar" x="{100 * 46 / 58:.2f}%" width="{100 * 10 / 58:.2f}%"' in deploy


def test_it_is_written_twice(played: Played, tmp_path: Path) -> None:
    """The page and its JSON say the same of a rehearsal that failed; a page that would be the JSON is refused."""
    found = report_of(played, error="the canary has 0 %")
    machine = write(found, tmp_path / "deep" / "rehearsal.html")
    body = json.loads(machine.read_text())
    assert (machine.name, body["schema"], body["passed"]) == ("rehearsal.json", "mcci.rehearsal-report/1", False)
    assert body["families"][0]["path"][0]["job"] == "slow"
    assert "the canary has 0 %" in (tmp_path / "deep" / "rehearsal.html").read_text()
    with pytest.raises(UsageError, match=r"ends with \.html"):
        write(found, tmp_path / "rehearsal.json")


@pytest.mark.parametrize(("value", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (185, "3 min 05 s")])
def test_seconds(value: float, text: str) -> None:
    """Short times have tenths, long ones minutes."""
    assert seconds(value) == text


def test_ticks() -> None:
    """An axis has few, round marks, whatever its length."""
    assert ticks(58) == [0, 10, 20, 30, 40, 50]
    assert all(len(ticks(span)) <= 7 for span in (0.5, 7, 61, 299, 3599, 40000))

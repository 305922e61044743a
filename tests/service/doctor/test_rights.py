"""The commands work with exactly the role that `mcci doctor --rbac` prints, and need each line of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from mcci.clusters.permissions import Feature, needed
from tests.service.doctor import rights
from tests.service.doctor.rights import STORY, Right
from tests.service.doctor.shop import Shop, shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.tools.helm import Major

CLUSTER = "prod-aws"
LOGGED = "no container, its pod is a fake"  # by what the lab's fakes log
LINES = [str(each) for each in needed(frozenset({Feature.MESH, Feature.POLICY, Feature.BUDGET}))]


@pytest.fixture
def deployer(tmp_path: Path) -> Iterator[Shop]:
    """A shop on one cluster, reached with the printed role and no more."""
    with shop(tmp_path, CLUSTER) as found:
        rights.restrict(found, CLUSTER)
        yield found


def test_works(deployer: Shop) -> None:
    """With the printed role the doctor finds every right, and a service is deployed and its traffic moved."""
    checked = deployer.run("doctor", "--format", "json")
    assert '"found": "all ' in checked.out, checked
    for step in (STORY[1], STORY[2], STORY[3]):
        done, _ = rights.play(deployer, CLUSTER, step)
        assert done.code == step.code, done


def test_a_right_that_lacks(deployer: Shop) -> None:
    """Without one right a deploy fails and names it, and so does the doctor, with what to do."""
    rights.take_away(deployer, CLUSTER, "create deployments.apps")
    done, _ = rights.play(deployer, CLUSTER, STORY[1])
    assert done.code not in (0, 70), done
    assert 'cannot create resource "deployments"' in done.said
    checked = deployer.run("doctor")
    assert checked.code == 1
    assert "may not create deployments.apps" in checked.out
    assert "mcci doctor --rbac" in checked.out


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The story, told once: the cluster's state before each step, and the rights that the step used."""

    before: tuple[Path, ...]
    used: tuple[frozenset[Right], ...]
    said: tuple[str, ...]

    def first(self, right: Right) -> int:
        """The first step that uses a right, and is to end well if one of them is."""
        users = [number for number, found in enumerate(self.used) if right in found]
        return min(users, key=lambda number: (STORY[number].code, number))


@pytest.fixture(scope="module", params=["3", "4"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Major, Told]:
    """Tell the story with the printed role, with each Helm."""
    folder = tmp_path_factory.mktemp("story")
    before, used, said = [], [], []
    with shop(folder, CLUSTER, major=request.param) as found:
        assert rights.restrict(found, CLUSTER) == set(LINES)
        for number, step in enumerate(STORY):
            before.append(folder / f"before-{number}")
            rights.snapshot(found.clusters[CLUSTER], before[-1])
            done, here = rights.play(found, CLUSTER, step)
            assert done.code == step.code, done
            used.append(frozenset(here))
            said.append(done.said)
    return request.param, Told(before=tuple(before), used=tuple(used), said=tuple(said))


@pytest.mark.faults
def test_all_and_no_more(told: tuple[Major, Told]) -> None:
    """The whole story uses no right that is not in the role, and with Helm 3 every one that is."""
    major, story = told
    used = frozenset().union(*story.used)
    assert used <= set(LINES)
    if major == "3":
        assert used == set(LINES)


@pytest.mark.faults
@pytest.mark.parametrize("right", LINES)
def test_each_line(told: tuple[Major, Told], right: Right, tmp_path: Path) -> None:
    """Without a line of the role a command that uses it ends otherwise than with it, or says what it may not.

    Two rights show later: Helm ends well where it may not note a release's end, and the next deploy stumbles over it;
    and without the right to read logs the log of what failed is not shown.
    """
    major, story = told
    if not any(right in used for used in story.used):
        return  # one Helm reads what the other has the server do; `test_all_and_no_more` has each line used by one
    number = story.first(right)
    with shop(tmp_path, CLUSTER, major=major, state=story.before[number]) as found:
        rights.become(found, CLUSTER)
        rights.take_away(found, CLUSTER, right)
        for step in STORY[number : number + 2]:
            done, _ = rights.play(found, CLUSTER, step)
            assert done.code != 70, done
            if right == "get pods/log":
                assert (LOGGED in story.said[number], LOGGED in done.said) == (True, False)
                return
            if done.code != step.code or rights.refusal(right) in done.said:
                return
    raise AssertionError(f"nothing failed without the right to {right}: {done}")

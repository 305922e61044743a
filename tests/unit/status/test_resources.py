"""Resource groups where a scenario file cannot reach."""

from __future__ import annotations

from mcci.simulation.status import actions
from mcci.simulation.status.instance import Instance
from mcci.simulation.status.model import Status
from mcci.simulation.status.resources import ProcessMode
from mcci.simulation.status.settling import settle
from tests.unit.status.specs import job, spec, started, statuses


def test_canceled_together_nobody_gets_the_resource() -> None:
    """The resource of a canceled job is not given to one that was canceled in the same moment."""
    instance, pipeline = started(job("one", resource_group="r"), job("two", resource_group="r"))
    actions.cancel_pipeline(instance, pipeline)
    settle(instance)
    assert statuses(pipeline) == {"one": "canceled", "two": "canceled"}


def test_mode_set_while_jobs_wait() -> None:
    """A process mode that is set later holds from the next job on."""
    instance = Instance()
    ship = spec(job("ship", resource_group="r"))
    first, second, third = (instance.create(ship) for _ in range(3))
    settle(instance)
    instance.set_process_mode("", "r", ProcessMode.NEWEST_FIRST)
    actions.succeed(first.jobs["ship"])
    settle(instance)
    assert (second.status, third.status) == (Status.WAITING_FOR_RESOURCE, Status.PENDING)


def test_mode_set_frees_a_job_that_waits_for_its_turn() -> None:
    """A job that waits only because of the process mode gets the resource once the mode allows it."""
    instance = Instance()
    instance.set_process_mode("", "r", ProcessMode.OLDEST_FIRST)
    late = spec(job("unit"), job("ship", "deploy", resource_group="r"))
    _, second = instance.create(late), instance.create(late)
    settle(instance)
    actions.succeed(second.jobs["unit"])
    settle(instance)
    assert statuses(second)["ship"] == "waiting_for_resource"
    instance.set_process_mode("", "r", ProcessMode.UNORDERED)
    settle(instance)
    assert statuses(second)["ship"] == "pending"


def test_groups_of_other_projects_are_others() -> None:
    """Two projects may use one name for groups that have nothing to do with each other."""
    instance = Instance()
    ship = spec(job("ship", resource_group="r"))
    pipelines = [instance.create(ship, project=project) for project in ("group/one", "group/two")]
    settle(instance)
    assert [pipeline.status for pipeline in pipelines] == [Status.PENDING, Status.PENDING]


def test_older_job_that_is_skipped_gives_its_turn_away() -> None:
    """With oldest_first a newer pipeline goes on once the older one's job can no longer come."""
    instance = Instance()
    instance.set_process_mode("", "r", ProcessMode.OLDEST_FIRST)
    late = spec(job("unit"), job("ship", "deploy", resource_group="r"))
    first, second = instance.create(late), instance.create(late)
    settle(instance)
    actions.succeed(second.jobs["unit"])
    actions.drop(first.jobs["unit"])
    settle(instance)
    assert statuses(first) == {"unit": "failed", "ship": "skipped"}
    assert statuses(second) == {"unit": "success", "ship": "pending"}

"""Jobs: complete, failed, too late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.api import eventually, good
from tests.contract.objects import condition, job
from tests.contract.workloads import (
    concluded,
    core,
)

if TYPE_CHECKING:
    from tests.contract.api import Cluster

Object = dict[str, Any]
fake_pods = pytest.mark.fake_pods


@fake_pods
def test_job_complete(cluster: Cluster, namespace: str) -> None:
    """A Job whose pod succeeds is complete."""
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    made = good(cluster.admin.post(path, job("good")))
    assert made["spec"]["backoffLimit"] == 6
    done = eventually(lambda: concluded(cluster, path, "good"), "the Job to end")
    assert condition(done, "Complete")["status"] == "True"
    assert (done["status"]["succeeded"], bool(done["status"]["completionTime"])) == (1, True)
    pods = good(cluster.admin.get(core(namespace, "pods"), labelSelector="job-name=good"))["items"]
    assert [each["status"]["phase"] for each in pods] == ["Succeeded"]


@fake_pods
def test_job_failed(cluster: Cluster, namespace: str) -> None:
    """A Job whose pods fail more often than its backoffLimit has failed, and says why."""
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    good(cluster.admin.post(path, job("bad", fake="exits=3", backoffLimit=0)))
    done = eventually(lambda: concluded(cluster, path, "bad"), "the Job to end")
    failed = condition(done, "Failed")
    assert (failed["status"], failed["reason"]) == ("True", "BackoffLimitExceeded")
    (found,) = good(cluster.admin.get(core(namespace, "pods"), labelSelector="job-name=bad"))["items"]
    (container,) = found["status"]["containerStatuses"]
    assert (found["status"]["phase"], container["state"]["terminated"]["exitCode"]) == ("Failed", 3)


@fake_pods
def test_job_too_late(cluster: Cluster, namespace: str) -> None:
    """A Job that is not done by its activeDeadlineSeconds has failed."""
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    good(cluster.admin.post(path, job("late", fake="pull-fails", activeDeadlineSeconds=1)))
    done = eventually(lambda: concluded(cluster, path, "late"), "the Job to end")
    assert condition(done, "Failed")["reason"] == "DeadlineExceeded"

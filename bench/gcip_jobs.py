"""The part of gcip in bench/generate.py: `python gcip_jobs.py JOBS` prints seconds and version, run where gcip is."""

from __future__ import annotations

import sys
import time
from importlib.metadata import version

import yaml
from gcip import Environment, Job, Need, Pipeline, Rule, WhenStatement


def build(jobs: int) -> str:
    """Return a pipeline of `jobs` jobs like the canary steps that mcci generates, as YAML."""
    pipeline = Pipeline()
    for number in range(jobs):
        job = Job(
            name=f"canary-{number}",
            stage="canary",
            script=f"mcci canary step service-{number} --to 10",
            rules=[Rule(if_statement="$CI_MERGE_REQUEST_ID == null", when=WhenStatement.MANUAL)],
            needs=[Need("release")],
            resource_group=f"production/canary/{number}",
            environment=Environment("production/prod-aws"),
        )
        pipeline.add_children(job)
    return str(yaml.dump(pipeline.render(), Dumper=yaml.CSafeDumper))


def measure() -> None:
    """Build once, and print how long it took."""
    start = time.perf_counter()
    build(int(sys.argv[1]))
    print(time.perf_counter() - start, version("gcip"))


if len(sys.argv) > 1:
    measure()

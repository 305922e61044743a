"""What a scenario's file may say, as a JSON Schema. docs/reference/rehearsals.md is made of it."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
TEXT: Json = {"type": "string", "minLength": 1}
STATUSES = ["created", "pending", "running", "success", "failed", "canceled", "skipped", "manual", "scheduled"]
STATUS: Json = {"enum": STATUSES}
SECONDS: Json = {"type": "number", "exclusiveMinimum": 0, "maximum": 3600}


def _object(says: str, required: list[str], /, **properties: Json) -> Json:
    return {
        "type": "object",
        "description": says,
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _by_name(says: str, each: Json) -> Json:
    return {"type": "object", "description": says, "additionalProperties": each}


BRANCH: Json = {**TEXT, "description": "The branch whose newest pipeline is meant, its children included."}
BACK: Json = {"type": "integer", "minimum": 1, "description": "How many pipelines before the newest is meant."}
JOB: Json = {**TEXT, "description": "The job's name, in that pipeline or in one below it."}
ACTIONS: dict[str, Json] = {
    "push": _object(
        "A developer commits and pushes.",
        ["branch", "message"],
        branch=TEXT,
        message=TEXT,
        write=_by_name("Files by path, with their new text.", {"type": "string"}),
        replace=_by_name(
            "Files by path, with what is replaced in them and by what.", _by_name("Old: new.", {"type": "string"})
        ),
        remove={"type": "array", "description": "Files that are removed.", "items": TEXT},
    ),
    "merge": _object(
        "A maintainer merges a branch by a merge request.", ["source", "target"], source=TEXT, target=TEXT, title=TEXT
    ),
    "play": _object(
        "A person starts a manual job, once it can be started; with `for`, the step waits until it has that status.",
        ["branch", "job"],
        branch=BRANCH, back=BACK, job=JOB, seconds={**SECONDS, "description": "How long at most."}, **{"for": STATUS},
        variables={"type": "object", "additionalProperties": {"type": "string"}},
    ),
    "retry": _object(
        "A person retries a job; with `for`, the step waits until it has that status.", ["branch", "job"],
        branch=BRANCH, back=BACK, job=JOB, seconds={**SECONDS, "description": "How long at most."}, **{"for": STATUS},
    ),
    "cancel": _object("A person cancels a job.", ["branch", "job"], branch=BRANCH, back=BACK, job=JOB),
    "wait": _object(
        "Wait until a pipeline, or a job, has a status. Any other end of it is a failure of the rehearsal.",
        ["branch", "for"], branch=BRANCH, back=BACK, job=JOB, seconds={**SECONDS, "description": "How long at most."},
        **{"for": STATUS},
    ),
    "expect": _object(
        "Compare what is.", ["branch"], branch=BRANCH, back=BACK, pipeline=STATUS,
        jobs=_by_name("Jobs by name, with their statuses.", STATUS),
        log=_by_name("Jobs by name, with text that is in their logs.", TEXT),
        exit_code=_by_name("Jobs by name, with their exit codes.", {"type": "integer"}),
    ),
    "cluster": _object(
        "A cluster of the lab goes away, or comes back.", ["name", "is"], name=TEXT, **{"is": {"enum": ["up", "down"]}}
    ),
    "kill": _object(
        "The runner's processes of a running job are killed.", ["branch", "job"], branch=BRANCH, back=BACK, job=JOB
    ),
    "load": _object(
        "Requests at a constant rate from now on.", ["service", "path", "rate"], service=TEXT, path=TEXT,
        cluster={**TEXT, "description": "The cluster whose proxy is asked; by default the first."},
        rate={"type": "number", "exclusiveMinimum": 0, "maximum": 2000},
    ),
    "traffic": _object(
        "Look at how a service's traffic is split on the wire, and at how many requests have failed.", ["service"],
        service=TEXT,
        canary={"type": "integer", "minimum": 0, "maximum": 100, "description": "The canary's share, in percent."},
        failed={"type": "integer", "minimum": 0, "description": "How many requests may have failed."},
        over={**SECONDS, "description": "For how long it is counted."},
    ),
    "pause": _object("Do nothing for a while.", ["seconds"], seconds=SECONDS),
}  # fmt: skip
SCHEMA: Json = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A rehearsal's scenario",
    **_object(
        "A scenario.",
        ["title", "steps"],
        title=TEXT,
        description={"type": "string", "description": "What it shows."},
        project={**TEXT, "description": "The folder with mcci.yml, from this file on; by default the folder above."},
        services={
            "type": "array",
            "minItems": 1,
            "items": TEXT,
            "description": "The services of mcci.yml that take part; by default all.",
        },
        config={"type": "object", "description": "Keys of mcci.yml that are different in this rehearsal."},
        variables={
            "type": "object",
            "description": "CI/CD variables of the project.",
            "additionalProperties": _object(
                "A variable.",
                ["value"],
                value={"type": "string"},
                masked={"type": "boolean"},
                protected={"type": "boolean"},
                file={"type": "boolean"},
            ),
        },
        lab=_object(
            "The local multi-cloud it needs: clusters, registry and mesh. Without this key there is none.",
            [],
            pods={"enum": ["real", "processes", "fake"], "description": "What pods are; fake ones only say they run."},
            base_image={"enum": ["hub", "local"], "description": "Where the images' BASE_IMAGE is from, or made here."},
        ),
        seconds={**SECONDS, "description": "How long it may take in all."},
        steps={
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"name": {**TEXT, "description": "What the step is called."}, **ACTIONS},
                "additionalProperties": False,
            },
        },
    ),
}

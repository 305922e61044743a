"""`mcci push`: copy the tested images to the release registry, and tag them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcci.cli import config_option, format_option
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcci.config.model import Config
    from mcci.delivery.push.run import Push


@click.command("push")
@click.argument("services", metavar="SERVICE…", nargs=-1, required=True)
@config_option
@click.option("--release", metavar="TAG", help="The release's tag (default: the job's commit, or the checkout's).")
@click.option("--dry-run", is_flag=True, help="Copy and tag nothing; show what would be done.")
@format_option()
def command(services: tuple[str, ...], config: Path, release: str | None, dry_run: bool, format_: str) -> int:
    """Copy the tested images to the release registry, and tag them.

    Reads candidates/SERVICE.json. Copies exactly that digest, with what refers to it, registry to registry; then tags
    it with its content tag and the release. An unchanged service is only tagged. Run again, it ends in the same state.
    """
    from mcci import output
    from mcci.clients import repository
    from mcci.delivery import candidates
    from mcci.delivery.push import progress, run
    from mcci.delivery.registries import Registries

    environment = os.environ
    if environment.get("CI_MERGE_REQUEST_ID"):
        raise UsageError("a merge request's pipeline never writes the release registry: `mcci push` is for branches.")
    model = repository.load_config(config)
    names = known(model, services)
    found = [candidates.load(config.parent, name) for name in names]
    tag = release_tag(config.parent, release, environment)
    with Registries(model, environment, output.log) as opened:
        pushes = run.plan(model, found, tag, opened)
        if not dry_run:
            with progress.choose(environment) as shown:
                pushes = run.run(pushes, opened, shown)
        for host, left in opened.pull_limits.items():
            output.log(f"{host}: {left}")
    _show(pushes, tag, format_, dry_run=dry_run)
    return ExitCode.DONE


def known(config: Config, names: Sequence[str]) -> list[str]:
    """Return the services' names, each once. Raises `UsageError` for one that mcci.yml has not."""
    from difflib import get_close_matches

    for name in names:
        if name not in config.services:
            near = get_close_matches(name, config.services, n=1)
            advice = f"Did you mean '{near[0]}'?" if near else f"It has {', '.join(config.services)}."
            raise UsageError(f"mcci.yml has no service '{name}'. {advice}")
    return list(dict.fromkeys(names))


def release_tag(folder: Path, given: str | None, environment: Mapping[str, str]) -> str:
    """Return the release: the one given, the job's commit, or the checkout's. Raises `UsageError`."""
    from mcci.clients import repository
    from mcci.clients.git import Repository
    from mcci.clients.registry.reference import TAG

    found = given or environment.get("CI_COMMIT_SHA") or Repository(repository.root(folder)).commit_of("HEAD")
    if not found:
        raise UsageError("this repository has no commit yet, so there is no release. Commit first, or give --release.")
    if not TAG.fullmatch(found):
        raise UsageError(f"'{found}' is no tag that a registry takes: letters, digits, '_', '.' and '-', at most 128.")
    return found


def _show(pushes: Sequence[Push], release: str, format_: str, *, dry_run: bool) -> None:
    from mcci import output

    if format_ == "json":
        body = {"release": release, "dry_run": dry_run, "services": [_as_json(push) for push in pushes]}
        output.json_document("push", 1, body)
        return
    width = max(len(push.candidate.service) for push in pushes)
    for push in pushes:
        output.text(f"{push.candidate.service:{width}}  {push.image}")
        output.text(f"{'':{width}}  {output.dim(_line(push, dry_run=dry_run))}")


def _line(push: Push, *, dry_run: bool) -> str:
    tags = ", ".join(push.tags)
    if dry_run:
        copy = "would be copied; " if push.must_copy else ""
        return f"{copy}{'would be tagged ' + tags if tags else 'is tagged already'}"
    copied = push.copied
    words = [
        f"{copied.sent} blobs sent ({copied.sent_bytes / 1e6:,.1f} MB)" if copied.sent else "",
        f"{copied.mounted} mounted" if copied.mounted else "",
        f"{copied.present} there already" if copied.present else "",
        f"tagged {tags}" if tags else "tagged already",
    ]
    return ", ".join(filter(None, words))


def _as_json(push: Push) -> dict[str, Any]:
    return {
        "service": push.candidate.service,
        "image": str(push.image),
        "content_tag": push.candidate.content_tag,
        "unchanged": push.candidate.unchanged,
        "tags_written": list(push.tags),
        "blobs_sent": push.copied.sent,
        "bytes_sent": push.copied.sent_bytes,
        "blobs_mounted": push.copied.mounted,
        "blobs_present": push.copied.present,
    }

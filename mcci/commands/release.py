"""`mcci release`: turn a release into digests, show it, compare two."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcci.cli import config_option, format_option
from mcci.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcci.clients.signing import Verifier
    from mcci.config.model import Config
    from mcci.delivery.release.compare import Change
    from mcci.delivery.release.history import Between, Commit
    from mcci.delivery.release.model import Release


@click.group("release")
def command() -> None:
    """Turn a release into digests, show it, compare two.

    A release is a commit of the development branch: `mcci push` tags every service's image with it. `resolve RELEASE`
    writes release.json, `show [RELEASE]` shows one, `diff A B` tells what lies between two. A and B are releases, or
    files that `resolve` wrote.
    """


@command.command("resolve")
@click.argument("release", metavar="RELEASE")
@config_option
@click.option(
    "--output", metavar="FILE", type=click.Path(path_type=Path), help="Where to (default: release.json by mcci.yml)."
)
@click.option(
    "--verify", is_flag=True, envvar="MCCI_VERIFY", show_envvar=True, help="Refuse an image that the key did not sign."
)
@click.option("--key", metavar="FILE", help="The public key for --verify (default: $COSIGN_PUBLIC_KEY).")
@click.option("--dry-run", is_flag=True, help="Write no file; show the release.")
@format_option()
def resolve_command(
    release: str, config: Path, output: Path | None, verify: bool, key: str | None, dry_run: bool, format_: str
) -> int:
    """Write release.json: the digest of every service's image in RELEASE.

    Refuses a release that lacks an image. With `default`, or nothing, each environment keeps the release that is
    recorded in it (the file then has no images); with `layout: trunk` it is the pipeline's own commit.
    """
    from mcci import output as out
    from mcci.clients import files, repository
    from mcci.delivery.release import model

    verifier = _verifier(key) if verify or key else None
    found = _resolve(repository.load_config(config), release, verifier)
    if not dry_run:
        files.replace_all({output or config.parent / model.FILE: model.dump(found)})
    if not found.name:
        out.log("No release is given: each environment keeps the one that is recorded in it.")
    _show(found, format_)
    return ExitCode.DONE


@command.command("show")
@click.argument("release", metavar="[RELEASE]", default="")
@config_option
@format_option()
def show_command(release: str, config: Path, format_: str) -> int:
    """Show RELEASE: a release, or a file; by default release.json."""
    from mcci.clients import repository
    from mcci.delivery.release import model

    _show(_find(repository.load_config(config), release or str(config.parent / model.FILE)), format_)
    return ExitCode.DONE


@command.command("diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@config_option
@format_option()
def diff_command(before: str, after: str, config: Path, format_: str) -> int:
    """Show what lies between the releases A and B: images and, where this clone has them, each service's commits."""
    from mcci import output
    from mcci.clients import repository
    from mcci.clients.git import Repository
    from mcci.delivery.release import history
    from mcci.delivery.release.compare import compare, paths

    model = repository.load_config(config)
    changes = compare(_find(model, before), _find(model, after))
    clone = Repository(repository.root(config.absolute().parent))
    found: dict[str, Between | None] = {
        each.service: history.between(clone, each.before.commit, each.after.commit, paths(model, each.service))
        for each in changes
        if each.before and each.after and each.before.commit != each.after.commit
    }
    if format_ == "json":
        output.json_document("release-diff", 1, {"services": [_change(each, found) for each in changes]})
    else:
        _show_changes(changes, found)
    if None in found.values():
        branch = model.branches.development
        output.log(f"This clone lacks some of the commits: `git fetch origin {branch}` brings them.")
    return ExitCode.DONE


def _find(config: Config, name: str) -> Release:
    """Return the release in the file `name`, or of that name."""
    from mcci.delivery.release import model

    if name.endswith(".json") or "/" in name:
        return model.load(Path(name))
    return _resolve(config, name)


def _verifier(key: str | None) -> Verifier:
    """Return the public key in the file `key`, or in COSIGN_PUBLIC_KEY: its text, or a file's path."""
    from mcci.clients import signing
    from mcci.delivery.supply_chain.attach import pem

    given, where = key or os.environ.get("COSIGN_PUBLIC_KEY", "").strip(), key or "$COSIGN_PUBLIC_KEY"
    if not given:
        raise UsageError("--verify needs the public key: give --key cosign.pub, or set COSIGN_PUBLIC_KEY.")
    return signing.load_verifier(pem(given, where), where)


def _resolve(config: Config, name: str, verifier: Verifier | None = None) -> Release:
    from mcci import job, output
    from mcci.clients.registry.reference import TAG
    from mcci.config.model import Layout
    from mcci.delivery.registries import Registries
    from mcci.delivery.release.model import Release
    from mcci.delivery.release.resolve import resolve
    from mcci.delivery.supply_chain.verify import verify
    from mcci.pipeline.generate.build import NO_RELEASE

    name = name.strip()
    if name in ("", NO_RELEASE):
        name = job.read().commit if config.layout is Layout.TRUNK else ""
    if not name:
        return Release(name="", images={})
    if not TAG.fullmatch(name):
        raise UsageError(f"'{name}' is no release: it is a commit's id, as `mcci push` tagged the images with.")
    with Registries(config, os.environ, output.log) as opened:
        found = resolve(config, name, opened)
        if verifier:
            for image in found.images.values():
                verify(opened.of(image.image), image.image, verifier)
        for host, left in opened.pull_limits.items():
            output.log(f"{host}: {left}")
    return found


def _show(release: Release, format_: str) -> None:
    from mcci import output
    from mcci.delivery.release import model

    if format_ == "json":
        output.json_document("release", 1, model.body(release))
        return
    output.heading(f"release {release.name or '(none)'}")
    width = max((len(name) for name in release.images), default=0)
    for image in release.images.values():
        output.text(f"{image.service:{width}}  {image.image}")
        built = f"commit {image.commit[:12]}" + (f", built by {image.source_pipeline}" if image.source_pipeline else "")
        output.text(f"{'':{width}}  {output.dim(built)}")


def _show_changes(changes: Sequence[Change], found: dict[str, Between | None]) -> None:
    from mcci import output
    from mcci.delivery.release.compare import Kind

    width = max((len(each.service) for each in changes), default=0)
    for each in changes:
        same = each.kind is Kind.SAME
        word = output.dim(each.kind.value) if same else output.notable(each.kind.value)
        digests = [image.image.digest[:19] for image in (each.before, each.after) if image]
        output.text(f"{each.service:{width}}  {word}  {' → '.join(dict.fromkeys(digests))}")
        commits = found.get(each.service)
        if commits:
            for mark, listed in (("+", commits.added), ("-", commits.removed)):
                for commit in listed:
                    output.text(f"{'':{width}}    {mark} {commit.id[:12]} {commit.subject} ({commit.author})")


def _change(change: Change, found: dict[str, Between | None]) -> dict[str, Any]:
    commits = found.get(change.service)

    def listed(given: Sequence[Commit]) -> list[dict[str, str]]:
        return [{"id": each.id, "author": each.author, "subject": each.subject} for each in given]

    return {
        "service": change.service,
        "change": change.kind.value,
        "before": str(change.before.image) if change.before else None,
        "after": str(change.after.image) if change.after else None,
        "commits_known": change.service not in found or commits is not None,
        "commits": listed(commits.added) if commits else [],
        "commits_taken_back": listed(commits.removed) if commits else [],
    }

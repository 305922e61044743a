"""`mcci build`: build the services that have work, and push each as a candidate."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from mcci import output
from mcci.cli import config_option, format_option
from mcci.errors import ExitCode, McciError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from mcci.clients.working_tree import WorkingTree
    from mcci.config.model import Config
    from mcci.delivery.candidates import Candidate
    from mcci.delivery.content_tags.decide import Decision
    from mcci.delivery.registries import Registries


@click.command("build")
@click.argument("services", metavar="SERVICE…", nargs=-1)
@click.option("--all", "all_services", is_flag=True, help="Build every service of mcci.yml.")
@click.option("--explain", is_flag=True, help="Build nothing; say why each service is or is not built.")
@click.option("--dry-run", is_flag=True, help="Build nothing; say which services would be built.")
@click.option("--force", is_flag=True, help="Build also what the release registry has already.")
@click.option("--no-cache", is_flag=True, help="Use no layer of an earlier build.")
@click.option("--network", metavar="NAME", default="", help="What RUN reaches: none, host, … (default: the engine's).")
@click.option(
    "--jobs", type=click.IntRange(1, 32), help="Services built at once (default: the machine's cores, 2 to 4)."
)
@config_option
@format_option()
def command(services: tuple[str, ...], all_services: bool, config: Path, format_: str, **options: Any) -> int:
    """Build the images of SERVICE… that are not in the release registry under their content tag.

    Each is pushed as a candidate, and candidates/SERVICE.json names it by its digest for `mcci test` and `mcci push`.
    The engine is the one at DOCKER_HOST, or buildah where MCCI_ENGINE says so.

    \b
      mcci build web
      mcci build --all --explain
    """
    from mcci.clients import repository
    from mcci.delivery.content_tags.decide import decide
    from mcci.delivery.registries import Registries

    model = repository.load_config(config)
    names = chosen(model, services, all_services=all_services)
    mirror = os.environ.get("MCCI_REGISTRY_MIRROR") or model.registry.mirror
    with Registries(model, os.environ, output.log) as registries:
        tree, decisions = decide(model, config.parent, names, registries, _expanded(mirror), output.log)
        for host, left in registries.pull_limits.items():
            output.log(f"{host}: {left}")
        if options["explain"]:
            return _explain(model, config.parent, decisions, registries, format_)
        if options["dry_run"]:
            return _dry_run(decisions, format_)
        return _build(model, config.parent, tree, decisions, registries, format_, options)


def chosen(config: Config, services: tuple[str, ...], *, all_services: bool) -> tuple[str, ...]:
    """Return the services named. Raises `UsageError` for one that mcci.yml does not have, with the nearest name."""
    if all_services and services:
        raise UsageError("name services, or give --all: not both")
    if not all_services and not services:
        raise UsageError(f"name a service ({', '.join(config.services)}), or give --all")
    for name in services:
        if name not in config.services:
            from difflib import get_close_matches

            near = get_close_matches(name, config.services, n=1)
            advice = f"Did you mean '{near[0]}'?" if near else f"It has {', '.join(config.services)}."
            raise UsageError(f"mcci.yml has no service '{name}'. {advice}")
    return tuple(config.services) if all_services else tuple(dict.fromkeys(services))


def _expanded(mirror: str) -> str:
    from mcci.delivery.registries import expand

    return expand(mirror, os.environ, "registry.mirror")


def _build(
    config: Config,
    root: Path,
    tree: WorkingTree,
    decisions: dict[str, Decision],
    registries: Registries,
    format_: str,
    options: dict[str, Any],
) -> int:
    from mcci.clients.registry.retry import Policy
    from mcci.delivery.builds import display
    from mcci.delivery.builds.run import Options, Workshop, build_all
    from mcci.delivery.registries import settings

    uncommitted = [path for path in tree.changed if any(path in each.inputs.files for each in decisions.values())]
    if uncommitted:
        more = f" and {len(uncommitted) - 3} more" if len(uncommitted) > 3 else ""
        output.log(f"uncommitted changes are built in: {', '.join(uncommitted[:3])}{more}")
    with display.choose(len(decisions), os.environ) as shown:
        shop = Workshop(
            config=config,
            root=root,
            tree=tree,
            registries=registries,
            settings=settings(config, os.environ, output.log, Policy()),
            environment=os.environ,
            display=shown,
            options=Options(
                network=options["network"],
                bound=options["jobs"] or min(4, max(2, os.cpu_count() or 2)),
                force=options["force"],
                cache=not options["no_cache"],
            ),
        )
        results = build_all(shop, decisions)
    done = {name: each for name, each in results.items() if not isinstance(each, McciError)}
    errors = {name: each for name, each in results.items() if isinstance(each, McciError)}
    if format_ == "json":
        output.json_document("build", 1, {"services": [_entry(each) for each in done.values()]})
    else:
        for name, each in done.items():
            word = output.dim("unchanged") if each.unchanged else output.good("built    ")
            output.text(f"{word} {name} {each.image}")
    return failed(errors)


def failed(errors: dict[str, McciError]) -> int:
    """Raise the only error; of several say each, and return the first one's exit code. DONE where there is none."""
    if not errors:
        return ExitCode.DONE
    first, *others = errors.values()
    if not others:
        raise first
    for error in errors.values():
        for line in str(error).splitlines():
            output.error(line)
    return first.exit_code


def _entry(candidate: Candidate) -> dict[str, Any]:
    return {
        "service": candidate.service,
        "content_tag": candidate.content_tag,
        "image": str(candidate.image),
        "unchanged": candidate.unchanged,
    }


def _explain(config: Config, root: Path, decisions: dict[str, Decision], registries: Registries, format_: str) -> int:
    from mcci.delivery.content_tags import explain
    from mcci.delivery.registries import release_repository

    documents = []
    for each in decisions.values():
        explanation, release = explain.explain(config, root, each, registries), release_repository(config, each.service)
        documents.append(explain.document(explanation, release))
        if format_ == "text":
            output.text(explain.text(explanation, release))
    if format_ == "json":
        output.json_document("build-explanation", 1, {"services": documents})
    return ExitCode.DONE


def _dry_run(decisions: dict[str, Decision], format_: str) -> int:
    if format_ == "json":
        entries = [
            {"service": name, "build": each.released is None, "content_tag": each.content_tag}
            for name, each in decisions.items()
        ]
        output.json_document("build-plan", 1, {"services": entries})
        return ExitCode.DONE
    for name, each in decisions.items():
        output.text(f"{'unchanged  ' if each.released else 'would build'} {name} {each.content_tag}")
    return ExitCode.DONE

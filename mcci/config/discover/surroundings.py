"""What lies around the services: GitLab, the branches, the environments' names, the charts."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from typing import TYPE_CHECKING

from mcci.config import forms
from mcci.config.choices import DeploymentTier
from mcci.config.clouds import Environment
from mcci.config.discover.found import Checkout, Found, FoundService
from mcci.config.discover.services import application_name
from mcci.config.discover.tree import Tree, folder_of, slug
from mcci.config.scalars import check_form

if TYPE_CHECKING:
    from collections.abc import Iterator

# where projects keep what differs between environments: Helm values, Spring's and others' profiles, overlays
_PROFILES = re.compile(
    r"(?:^|/)(?:values[-.]([\w-]+)\.ya?ml|(?:application|appsettings|config)[-.]([\w-]+)\.(?:ya?ml|properties|json|toml)"
    r"|(?:profiles|environments|envs)/([\w-]+)\.\w+|overlays/([\w-]+)/kustomization\.ya?ml)$"
)
_OTHER_HOSTS = frozenset(("gitlab.com", "github.com", "bitbucket.org", "codeberg.org", "ssh.dev.azure.com"))
_OTHER_NAMES = {"development": ("develop", "dev"), "deployment": ("deploy",)}


def find_surroundings(tree: Tree, checkout: Checkout, services: tuple[FoundService, ...]) -> Found:
    """Return everything that was found, `services` among it."""
    return Found(
        application=application_name(checkout),
        services=services,
        gitlab=gitlab_url(checkout.remote),
        branches=tuple(_branches(checkout)),
        environments=_environments(tree),
        charts=_charts(tree),
    )


def gitlab_url(remote: str) -> str:
    """Return the address of the GitLab that a git remote is on; empty for gitlab.com, and where that cannot be told.

    A user's name and password in the remote's URL are left behind.
    """
    match = re.match(r"(?:(https?)://|ssh://|git://)(?:[^@/]*@)?([\w.-]+)(:\d+)?/|(?:[\w.-]+@)([\w.-]+):", remote)
    if not match:
        return ""
    host = match.group(2) or match.group(4)
    if host in _OTHER_HOSTS or "." not in host:
        return ""
    return f"{match.group(1) or 'https'}://{host}{(match.group(3) or '') if match.group(1) else ''}"


def _branches(checkout: Checkout) -> Iterator[tuple[str, str]]:
    own = {name: _known_branch(name, checkout) for name in _OTHER_NAMES}
    default = checkout.default
    if default not in ("", "master", *own.values()) and not check_form(default, forms.BRANCH):
        yield "default", default
    yield from ((name, branch) for name, branch in own.items() if branch != name)


def _known_branch(name: str, checkout: Checkout) -> str:
    others = (each for each in _OTHER_NAMES[name] if each in checkout.branches and each != checkout.default)
    return name if name in checkout.branches else next(others, name)


def _environments(tree: Tree) -> tuple[str, ...]:
    names: Counter[str] = Counter()
    for match in filter(None, map(_PROFILES.search, tree.usable())):
        names[next(filter(None, match.groups()))] += 1
    tiers = ((DeploymentTier.STAGING, "stage"), (DeploymentTier.PRODUCTION, "production"))
    return tuple(_most_common(names, tier) or default for tier, default in tiers)


def _most_common(names: Counter[str], tier: DeploymentTier) -> str:
    fitting = [
        name
        for name, _ in names.most_common()
        if slug(name, 30) == name and Environment(name=name).deployment_tier is tier
    ]
    return fitting[0] if fitting else ""


def _charts(tree: Tree) -> str:
    """Return the folder that holds the charts' folders, where it is not `charts`."""
    charts = [folder_of(path) for path in tree.usable() if posixpath.basename(path) == "Chart.yaml"]
    above = Counter(folder_of(chart) for chart in charts if chart != "." and "/charts/" not in chart)
    found = min(above, key=lambda folder: (-above[folder], folder), default="charts")
    return "" if found in (".", "charts") else found

"""Looks at every cluster of the mesh, tries what can be tried, and judges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcci.clients import kubectl, processes
from mcci.clients.kubernetes.api import DEPLOYMENT, NAMESPACE, POD, NotAllowed
from mcci.errors import McciError, UsageError
from mcci.mesh import authority, links, remote_secrets, rights
from mcci.mesh.place import survey
from mcci.mesh.values import EAST_WEST
from mcci.mesh.verify import control, endpoints, requests, workloads
from mcci.mesh.verify.model import Result, Status, View

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mcci.mesh.place import Place
    from mcci.mesh.plan import Plan
    from mcci.mesh.verify.requests import Request

INJECTOR = "app=sidecar-injector"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked beside the checks that are always made."""

    namespaces: tuple[str, ...]  # the application's; the first is where requests are sent from
    requests: tuple[Request, ...]
    command: str  # run once a cluster, with its kubeconfig
    image: str
    environment: Mapping[str, str]
    no_request: bool = False


def verify(plan: Plan, places: Sequence[Place], wish: Wish) -> tuple[Result, ...]:
    """Return every check's result. Changes nothing but for the pods that send requests, which it removes.

    A cluster that does not answer, or does not let itself be looked at, fails the mesh; the others are checked all the
    same.
    """
    views: dict[str, View] = {}
    away: list[Result] = []
    for place in places:
        try:
            views[place.name] = _view(place, places, plan, wish.namespaces)
        except McciError as error:
            away.append(Result(cluster=place.name, check="reached", status=Status.FAILED, found=str(error)))
    there = [place for place in places if place.name in views]
    return (*away, *_results(plan, there, list(views.values()), wish))


def _results(plan: Plan, places: Sequence[Place], views: Sequence[View], wish: Wish) -> Iterator[Result]:
    now = authority.utc_now()
    leader = next((view.found.istio for view in views if view.member.is_primary), None)
    yield from control.skew(views)
    yield from control.certificates(views, now)
    for place, view in zip(places, views, strict=True):
        yield from control.control_plane(view)
        yield from control.secrets(view, plan, now)
        yield from control.injector(view)
        yield from workloads.gateway(view, plan)
        yield from workloads.injection(view)
        yield from workloads.proxies(view, view.found.istio or leader)
        if view.member.is_primary and view.found.control_planes:
            yield from endpoints.check(view.member, plan, _asking(place, view, plan, wish), wish.namespaces)
    yield from _across(plan, places, wish)


def _across(plan: Plan, places: Sequence[Place], wish: Wish) -> Iterator[Result]:
    """Send the requests, and run the command, of the clusters that are there."""
    there = {place.name: place for place in places}
    for each in wish.requests:
        if each.cluster in there:
            yield requests.send(there[each.cluster].api, each, wish.namespaces[0], wish.image)
    if not wish.requests and not wish.command and len(plan.members) > 1:
        found = "no service of mcci.yml runs on other clusters alone: give --request URL, or --command"
        found = "--no-request: none was sent" if wish.no_request else found
        yield Result(cluster="all", check="request", status=Status.UNCHECKED, found=found)
    if wish.command:
        yield from (_command(place, wish) for place in places)


def _view(place: Place, places: Sequence[Place], plan: Plan, namespaces: tuple[str, ...]) -> View:
    api = place.api
    found = survey(place, plan)
    pods = [pod for name in (*namespaces, plan.namespace) for pod in api.list(POD, name)]
    return View(
        member=place.member,
        found=found,
        gateway=api.get(DEPLOYMENT, EAST_WEST, plan.namespace),
        namespaces={name: api.get(NAMESPACE, name) for name in namespaces},
        pods=tuple(pods),
        webhooks=_webhooks(place),
        tried=_tried(found.remote_secrets, places),
    )


def _webhooks(place: Place) -> tuple[dict[str, object], ...] | None:
    try:
        return tuple(place.api.list(rights.MUTATING, labels=INJECTOR))
    except NotAllowed:
        return None


def _tried(secrets: Sequence[Mapping[str, object]], places: Sequence[Place]) -> dict[str, str]:
    """Return what became of each token when it was tried, from here, at its cluster."""
    tried = {}
    for secret in secrets:
        try:
            remote = remote_secrets.read(dict(secret))
        except UsageError:
            continue
        place = next((each for each in places if each.name == remote.cluster), None)
        if place is None:
            continue
        try:
            lacking = links.lacking_rights(remote.cluster, place.server, remote.authority, remote.token)
        except NotAllowed:
            tried[remote.cluster] = "the cluster does not take its token"
        except McciError as error:
            tried[remote.cluster] = f"it could not be tried: {error}"
        else:
            tried[remote.cluster] = f"its token may not {', '.join(lacking)}" if lacking else ""
    return tried


def _asking(place: Place, view: View, plan: Plan, wish: Wish) -> endpoints.Asking:
    name = view.found.control_planes[0]["metadata"]["name"]

    def ask(page: str) -> str:
        program = endpoints.request(page)
        return kubectl.run_in(wish.environment, place.kubeconfig, plan.namespace, f"deployment/{name}", program)

    return ask


def _command(place: Place, wish: Wish) -> Result:
    """Run the command given, for one cluster: it ends with 0 when all is well."""
    lines: list[str] = []
    environment = {**wish.environment, "KUBECONFIG": str(place.kubeconfig), "MCCI_CLUSTER": place.name}
    try:
        code = processes.run(
            ["sh", "-c", wish.command], lines.append, environment=environment, timeout=requests.SECONDS
        )
    except processes.OutOfTime:
        return Result(
            cluster=place.name,
            check="command",
            status=Status.FAILED,
            found=f"it took more than {requests.SECONDS:.0f} s",
        )
    said = lines[-1].strip()[:200] if lines else ""
    status = Status.FAILED if code else Status.OK
    return Result(cluster=place.name, check="command", status=status, found=said or f"it ended with {code}")

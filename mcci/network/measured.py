"""What the sites measured of each other, judged: every pair, both ways round, and every site's certificates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcci.network.plan import Plan

Document = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From when on a measurement is a problem: loss in percent, days until an end, bytes of a packet."""

    loss: float = 5.0
    days: float = 30.0
    mtu: int = 1280


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """From one site to another. `rtt` in ms, `mbits` in Mbit/s; None: not measured. `routes`: range → first site."""

    source: str
    target: str
    loss: float = 100.0
    rtt: float | None = None
    mbits: float | None = None
    mtu: int | None = None
    routes: Mapping[str, str]
    probes: Mapping[str, bool]
    problems: tuple[str, ...] = ()

    @property
    def way(self) -> str:
        """The route taken in words: direct, or by which site."""
        ways = dict.fromkeys(
            "direct" if via == self.target else f"by {via}" if via else "none" for via in self.routes.values()
        )
        return ", ".join(ways) or "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A site's certificates: days until they end, None where there is none."""

    name: str
    certificate: float | None
    authority: float | None
    revoked: float | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything that was found."""

    pairs: tuple[Pair, ...]
    sites: tuple[Site, ...]

    @property
    def good(self) -> bool:
        """Whether there is no problem."""
        return not any(pair.problems for pair in self.pairs) and not any(site.problems for site in self.sites)


def judge(
    plan: Plan, sites: Mapping[str, Document], pairs: Mapping[str, Sequence[Document]], limits: Limits
) -> Measured:
    """Judge what each site reported; a site without a report could not be reached, and each of its pairs is unknown."""
    found = {(name, each["peer"]): each for name, reported in pairs.items() for each in reported}
    return Measured(
        pairs=tuple(
            _pair(one.name, other.name, found.get((one.name, other.name)), limits) for one, other in plan.pairs
        ),
        sites=tuple(_site(each.name, sites.get(each.name), limits) for each in plan.members),
    )


def _pair(source: str, target: str, found: Document | None, limits: Limits) -> Pair:
    if found is None:
        return Pair(source=source, target=target, routes={}, probes={}, problems=(f"{source} could not be asked",))
    routes = {each["to"]: each["via"] for each in found["routes"]}
    probes = dict(found["probes"])
    loss, mtu = float(found.get("loss", 100.0)), found.get("mtu")
    problems = []
    if not found["address"]:
        problems.append(f"{target} could not be asked for its address")
    elif loss >= 100:
        problems.append(f"{target} does not answer")
    elif loss > limits.loss:
        problems.append(f"{loss:g} % of the packets are lost")
    if mtu is not None and mtu < limits.mtu:
        problems.append(f"packets of more than {mtu} bytes do not come through")
    if "mbits" in found and found["mbits"] is None:
        problems.append("the throughput could not be measured")
    problems += [f"{to} is not routed into the VPN" for to, via in routes.items() if not via]
    problems += [f"{target}'s {probe} does not answer" for probe, answers in probes.items() if not answers]
    return Pair(
        source=source, target=target, loss=loss, rtt=found.get("rtt"), mbits=found.get("mbits"), mtu=mtu,
        routes=routes, probes=probes, problems=tuple(problems),
    )  # fmt: skip


def _site(name: str, found: Document | None, limits: Limits) -> Site:
    if found is None:
        return Site(name=name, certificate=None, authority=None, revoked=None, problems=("it could not be reached",))
    words = {
        "certificate": "its certificate", "authority": "the authority's certificate",
        "revoked": "the list of revoked certificates",
    }  # fmt: skip
    problems = [] if found["address"] else ["it has no address within its subnets"]
    for key, what in words.items():
        days = found[key]
        if days is None:
            problems.append(f"{what} is missing")
        elif days < limits.days:
            problems.append(f"{what} ends in {days:.0f} days" if days > 0 else f"{what} has ended")
    return Site(name=name, problems=tuple(problems), **{key: found[key] for key in words})

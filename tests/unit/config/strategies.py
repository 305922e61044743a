"""Hypothesis strategies for configurations: valid ones, drawn from the declarations, and ones with a single change."""

from __future__ import annotations

import copy
from enum import Enum
from typing import Any

from hypothesis import strategies as st

from mcci.config import forms
from mcci.config.declared import Declared, Kind, Shape, declarations
from mcci.config.keys import Duration, Form, Key, Version
from mcci.config.model import Config

CLUSTERS = ("eu", "us", "asia")
# keys that rules across keys have a say in are left to `configs`
_ACROSS = {
    "": {"version", "services", "environments", "clusters", "mesh", "network", "stages", "branches", "files",
         "include", "defaults"},
    "Service": {"path", "image", "clusters", "depends_on", "context", "dockerfile", "ports"},
    "ServiceCanary": {"clusters", "steps", "gate"},
    "Canary": {"steps", "gate"},
    "GitLab": {"version"},
    "Registry": {"candidates", "host", "namespace"},
    "Runner": {"timeouts"},
    "Config": {"templates", "charts"},
}  # fmt: skip


# texts of each form: the plainest, the longest or oddest ones, by what the form says
TEXTS = {
    forms.NAME: ["a", "a-1", "b" * 63],
    forms.SHORT_NAME: ["a", "x--1", "b" * 40],
    forms.ENVIRONMENT: ["a", "b" * 30],
    forms.PORT_NAME: ["http", "grpc-web", "h" * 15],
    forms.NAMESPACE: ["0", "shop-1", "n" * 63],
    forms.VARIABLE: ["A", "_a1", "V" * 255],
    forms.BUILD_ARGUMENT: ["BASE_IMAGE", "a"],
    forms.PATH: [".", "a/b", "Ä b/c", "./a/"],
    forms.FILE_IN_SERVICE: ["Dockerfile", "docker/Dockerfile.web"],
    forms.PIPELINE_FILE: ["a.yml", "ci/b.yaml"],
    forms.INCLUDE: [".gitlab/*.yml", "a.yaml"],
    forms.BRANCH: ["main", "release/1.x", "ä#1"],
    forms.IMAGE_NAME: ["a", "team/web", "a__b.c---d/e"],
    forms.HOST: ["docker.io", "localhost:5000"],
    forms.REFERENCE: ["$CI_REGISTRY_IMAGE", "host/a@sha256:0"],
    forms.WEB: ["http://a", "https://a.example:1/b?c#d"],
    forms.SECURE_SITE: ["https://a", "https://a.example:8443/"],
    forms.WEB_OR_VARIABLE: ["https://a", "$URL"],
    forms.URL_PATH: ["/", "/a/b?c=d"],
    forms.AGENT: ["a/b:c", "a:b-1"],
    forms.LINE: ["x", "a b: #c", "𐀀"],
    forms.STAGE: ["a", "Build & test", ".prepare"],
    forms.TAG: ["docker", "a b"],
    forms.PROFILE: ["stage", "Eu.1_a-b"],
    forms.CIDR: ["10.0.0.0/8", "fd00::/64"],
    forms.COMMAND: ["true", "a\n\tb", " x "],
    forms.QUERY: ["up", "sum(rate(x[1m]))\n> 0"],
    forms.TEMPLATE: ["$service", '{"text": "$text"}'],
}


def text(key: Key, form: Form | None) -> st.SearchStrategy[str]:
    """Return texts that a key takes."""
    if form is None:
        return st.sampled_from(["", "x", "ä: b # c", "a\nb", "off", "1"])
    return st.sampled_from([*TEXTS[form], *([""] if key.empty else [])])


def scalar(kind: Any, key: Key) -> st.SearchStrategy[Any]:
    """Return values that a key of a scalar type takes."""
    if kind is str:
        return text(key, key.form)
    if kind is bool:
        return st.booleans()
    if kind is Duration:
        return st.integers(key.minimum or 0, key.maximum or 1000).map(lambda each: str(Duration(each)))
    if kind is Version:
        return st.sampled_from(["17.0", "18.10", "19.2.1", 18.2])
    if kind is int:
        return st.integers(key.minimum, key.maximum)
    if kind is float:
        return st.floats(key.minimum, key.maximum, allow_nan=False, allow_subnormal=False)
    assert issubclass(kind, Enum)
    return st.sampled_from([each.value for each in kind])


def value(shape: Shape, key: Key) -> st.SearchStrategy[Any]:
    """Return values that a key takes."""
    found: st.SearchStrategy[Any]
    match shape.kind:
        case Kind.SCALAR:
            found = scalar(shape.type, key)
        case Kind.LIST:
            assert shape.item is not None
            found = st.lists(value(shape.item, key), max_size=3, unique=key.unique)
        case Kind.MAPPING:
            assert shape.item is not None
            found = st.dictionaries(text(key, key.key_form), value(shape.item, key), max_size=3) | st.none()
        case Kind.SECTION:
            found = section(shape.type)
            if key.shorthand:
                found |= st.sampled_from(["on", "off", True, False])
        case Kind.FREE:
            inner = st.sampled_from([None, True, 1, -1.5, "a", [], [1, ["b"]], {"c": {"d": None}}])
            found = st.dictionaries(st.sampled_from("abc"), inner, max_size=2) | st.none()
    return found | st.none() if shape.optional else found


def section(kind: type) -> st.SearchStrategy[dict[str, Any]]:
    """Return sections with what is required and some of the rest."""
    keys = {name: each for name, each in declarations(kind).items() if name not in _ACROSS.get(kind.__name__, ())}

    def strategy(each: Declared) -> st.SearchStrategy[Any]:
        return value(each.shape, each.key)

    return st.fixed_dictionaries(
        {name: strategy(each) for name, each in keys.items() if each.required},
        optional={name: strategy(each) for name, each in keys.items() if not each.required},
    )


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    """Return configurations that `load` takes."""
    keys = {
        name: each
        for name, each in declarations(Config).items()
        if name not in _ACROSS[""] and name not in _ACROSS["Config"]
    }
    config: dict[str, Any] = {"version": 1}
    for name, each in keys.items():
        if each.required or draw(st.booleans()):
            config[name] = draw(value(each.shape, each.key))
    declared = declarations(Config)
    services = declared["services"].shape.item
    assert services is not None
    names = draw(st.lists(st.sampled_from(["web", "api", "job"]), min_size=1, unique=True))
    config["services"] = {name: draw(section(services.type) | st.none()) for name in names}
    config |= draw(_clouds())
    if draw(st.booleans()):
        config["defaults"] = draw(section(services.type))
    return config


@st.composite
def _clouds(draw: st.DrawFn) -> dict[str, Any]:
    clusters = draw(st.lists(st.sampled_from(CLUSTERS), unique=True))
    if not clusters:
        return {}
    cluster = {"region": st.just("r"), "cloud": st.sampled_from(["aws", "gcp", "other"]), "values": st.just({"a": [1]})}
    described = {name: draw(st.fixed_dictionaries({}, optional=cluster)) for name in clusters}
    split = draw(st.integers(0, len(clusters)))
    waves = [each for each in (clusters[:split], clusters[split:]) if each]
    place = draw(st.sampled_from([{"clusters": clusters}, {"waves": waves}]))
    return {"clusters": described, "environments": {"production": place}}


@st.composite
def mutations(draw: st.DrawFn) -> object:
    """Return valid configurations with one key renamed, added or dropped, or one value changed."""
    config = copy.deepcopy(draw(configs()))
    places = list(_places(config))
    holder, key = draw(st.sampled_from(places))
    odd = draw(st.sampled_from([None, True, 0, -1, 7, 1.5, "", "x", "X y", "off", [], ["x"], {}, {"x": 1}, "10m"]))
    match draw(st.sampled_from(["change", "rename", "add", "drop"])):
        case "rename" if isinstance(holder, dict):
            holder[f"{key}x"] = holder.pop(key)
        case "add" if isinstance(holder, dict):
            holder["surprise"] = odd
        case "drop" if isinstance(holder, dict):
            del holder[key]
        case _:
            holder[key] = odd
    return config


def _places(node: Any) -> Any:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, each in items:
        yield node, key
        yield from _places(each)

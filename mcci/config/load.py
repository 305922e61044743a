"""`mcci.yml` from bytes to a checked model: read, build, then the rules that look across keys."""

from __future__ import annotations

from ruamel.yaml.nodes import MappingNode

from mcci.config.build import Builder
from mcci.config.model import Config, Service
from mcci.config.read import pairs, read
from mcci.config.validate import validate
from mcci.errors import InvalidInput


def load(data: bytes, file: str = "mcci.yml") -> Config:
    """Return the configuration that `data` holds; `file` is its name in positions.

    Raises `InvalidInput` with every finding: what is unreadable stops at once, everything else is collected.
    """
    root = read(data, file)
    assert isinstance(root, MappingNode)
    defaults = pairs(root, file)[0].get("defaults", (None, None))[1]
    builder = Builder(file, {"services": defaults} if isinstance(defaults, MappingNode) else None)
    if isinstance(defaults, MappingNode):
        builder.build(Service, defaults, partial=True)
    config = builder.build(Config, root)
    findings = list(builder.findings)
    if isinstance(config, Config):
        findings += validate(config)
    if findings:
        raise InvalidInput(sorted(set(findings), key=lambda finding: (finding.position, finding.message)))
    assert isinstance(config, Config)
    return config

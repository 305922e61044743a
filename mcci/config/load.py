"""`mcci.yml` from bytes to a checked model: read, inherit, build, then the rules that look across keys."""

from __future__ import annotations

from mcci.config.build import MAX_FINDINGS, Builder
from mcci.config.inherit import inherited
from mcci.config.model import Config, Service
from mcci.config.read import read
from mcci.config.validate import validate
from mcci.errors import InvalidInput


def load(data: bytes, file: str = "mcci.yml") -> Config:
    """Return the configuration that `data` holds; `file` is its name in positions.

    Raises `InvalidInput`: what is unreadable stops at once; what is wrong with single keys is told together, and so is
    what is wrong between keys when each key alone is right.
    """
    root = read(data, file)
    builder = Builder(file, {"Service": Service})
    config = builder.build(Config, inherited(root, file))
    findings = list(builder.findings) or validate(config)
    if findings:
        unique = dict.fromkeys(sorted(findings, key=lambda finding: (finding.position, finding.message)))
        raise InvalidInput(list(unique)[:MAX_FINDINGS])
    assert isinstance(config, Config)
    return config

"""From `mcci.yml` to the GitLab pipelines of every branch: `generate` is the way in."""

from mcci.pipeline.generate.branches import Generated, generate

__all__ = ["Generated", "generate"]

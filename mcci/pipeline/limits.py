"""GitLab's limits on a configuration and on the pipelines it makes, as numbers with their sources.

Instance administrators can change most of them; these are the defaults.
Source: https://docs.gitlab.com/administration/instance_limits/
"""

from __future__ import annotations

MAX_YAML_MEMORY = 2 * 1024 * 1024  # bytes of one parsed file; max_yaml_size_bytes
MAX_YAML_TEXT = MAX_YAML_MEMORY // 5  # bytes of text that parse to about that much
MAX_YAML_DEPTH = 150
MAX_INCLUDES = 150
MAX_TRIGGER_INCLUDES = 3
MAX_NEEDS = 50
MAX_MATRIX = 200
MAX_CHANGES = 50
MAX_JOB_NAME = 255
MAX_EXTENDS_LEVELS = 11
MAX_CHILD_DEPTH = 2
MAX_HIERARCHY = 1000  # pipelines in one hierarchy of parents and children
MAX_DEPLOYMENTS = 500  # in one pipeline

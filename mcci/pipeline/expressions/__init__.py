"""GitLab's expression language, as `rules:if`, `workflow:rules:if`, `include:rules:if` and `only:variables` write it.

`parse` turns a text into a tree once; the tree is evaluated against a look-up of variables as often as needed.
Language: https://docs.gitlab.com/ci/jobs/job_rules/#cicd-variable-expressions
"""

from __future__ import annotations

from mcci.pipeline.expressions.nodes import Lookup, Node, Result, present
from mcci.pipeline.expressions.parser import ExpressionError, parse

__all__ = ["ExpressionError", "Lookup", "Node", "Result", "is_true", "parse", "present"]


def is_true(text: str, lookup: Lookup) -> bool:
    """Return whether GitLab takes the expression as true; an invalid one is false, as in GitLab."""
    try:
        return present(parse(text).evaluate(lookup))
    except ExpressionError:
        return False

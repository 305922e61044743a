"""Findings as text, JSON, SARIF and GitLab's code quality report: pure, one format a file."""

from __future__ import annotations

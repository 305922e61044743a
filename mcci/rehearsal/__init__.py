"""Rehearsals: the generated pipelines played on one machine, by a local GitLab and runners, before they are pushed."""

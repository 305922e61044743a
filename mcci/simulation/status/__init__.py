"""Statuses of jobs, stages and pipelines as events arrive, by GitLab's own rules."""

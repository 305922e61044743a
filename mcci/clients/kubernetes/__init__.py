"""Kubernetes clusters: their API, and how a job reaches it."""

"""Trigger: the deployment branch's pipeline, started with a release, and watched where that is wanted."""

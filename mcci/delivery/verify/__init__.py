"""Verification: what runs on a cluster is what was deployed, and it answers. Nothing is changed."""

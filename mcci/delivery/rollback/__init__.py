"""Rollbacks: an earlier good release comes back as an upgrade, its traffic first."""

"""A local GitLab, as far as pipelines go: the simulation decides, runners run, people press buttons over API v4.

Loopback only, and a token for everything. It is no GitLab: it stands in for one where mcci's commands, its page and
runners speak to it (docs/how-to/rehearse.md says what it has).
"""

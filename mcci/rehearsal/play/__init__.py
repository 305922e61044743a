"""A rehearsal: a scenario's steps taken, against the local GitLab and, where it asks for one, the lab."""

"""A runner for the local GitLab: takes jobs over the runner protocol and runs each in a clean clone."""

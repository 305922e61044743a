"""GitLab CI/CD configuration as data: read it with positions, merge it as GitLab does, generate it, write it."""

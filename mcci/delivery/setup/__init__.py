"""`mcci setup`: what a GitLab project must have for the pipelines, what it has, and what is changed."""

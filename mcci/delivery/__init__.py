"""What the pipelines' jobs, and people, do with a delivery: bring it to the branches, build, release, deploy."""

"""The page of a rehearsal: pipelines, logs, environments and canaries as they are, and the buttons people press."""

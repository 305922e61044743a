"""The edge: the only modules that read files, start processes or speak to a service."""

"""Push: exactly the tested digest goes from the candidates' registry to the release registry, registry to registry."""

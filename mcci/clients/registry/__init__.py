"""Registries that speak the OCI distribution API: images read, copied and tagged without an engine.

Source: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
"""

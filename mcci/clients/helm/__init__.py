"""Helm: the binary, what it is asked to do, and the releases that it keeps in a cluster."""

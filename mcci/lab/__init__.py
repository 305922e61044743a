"""The local multi-cloud: what a delivery needs, on one machine. A test double; nothing outside depends on it."""

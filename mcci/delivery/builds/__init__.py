"""`mcci build`: which services have work, what the engine is told, and the candidates that come of it."""

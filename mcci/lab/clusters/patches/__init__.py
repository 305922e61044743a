"""The kinds of patch that clients send. Pure."""

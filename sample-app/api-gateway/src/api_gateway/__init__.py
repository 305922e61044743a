"""The one door to the other services."""

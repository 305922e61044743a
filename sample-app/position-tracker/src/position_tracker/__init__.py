"""Keeps the latest position and the trail of every vehicle."""

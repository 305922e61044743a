"""Computes speed, heading and distance from positions."""

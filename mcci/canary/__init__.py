"""Canaries: a new version takes over a service's traffic step by step, over every config cluster of a mesh."""

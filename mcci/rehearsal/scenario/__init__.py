"""Scenarios: what people and the world do in a rehearsal, step by step, and what must come of it."""

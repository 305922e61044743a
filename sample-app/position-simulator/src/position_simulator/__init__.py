"""Moves vehicles along generated roads and reports where they are."""

"""The clusters a job works on: how it gets in, what it may do there, and the locks that keep jobs apart."""

"""The clusters of one canary: locked, read all at once, and written so that it looks like one write."""

"""The parts of bench/judge.py: simulated rollouts, the judge for thousands of them at once, and its peers."""

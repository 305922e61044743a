"""Says who drives a vehicle."""

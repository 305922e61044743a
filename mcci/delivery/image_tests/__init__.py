"""`mcci test`: a candidate, run by its digest, and the service's declared tests against it."""

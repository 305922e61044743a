"""The REST API of one cluster: what a request asks, and what it is answered."""

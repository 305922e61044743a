"""The Kubernetes API from Python, one HTTPS server a cluster: a test double for helm, kubectl and mcci's own commands.

It says so itself (`/version` and the Node's labels), its scope is what `tests/contract` asserts, and the same
assertions run against a real kube-apiserver.
"""

"""The cluster's one node: it runs the pods, asks their probes, restarts what ends, and tells of it as kubelets do."""

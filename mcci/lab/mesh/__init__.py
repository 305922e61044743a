"""The lab's mesh: a real Envoy a cluster, with the routes, weights and policies of the clusters' Istio objects.

istiod needs a Kubernetes of its own, so this reads VirtualService, DestinationRule and Gateway and writes what istiod
would have Envoy do, as far as mcci's charts go. What it does not know it says (`Translation.unknown`).
"""

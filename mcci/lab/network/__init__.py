"""The network that a lab's clusters may be joined by: OpenVPN, as `mcci network` sets it up between clouds.

Each cluster of a mesh is behind a site of its own. What a cluster's Envoy sends to another cluster's pods leaves this
machine, passes both sites' instances and the tunnel between them, and comes back to the pods.
"""

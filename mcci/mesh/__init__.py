"""One Istio mesh over an environment's clusters: installed with Helm, joined by remote secrets, verified."""

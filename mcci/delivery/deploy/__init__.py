"""Deploys: what a release needs on each cluster, decided first and then done, one Helm release after the other."""

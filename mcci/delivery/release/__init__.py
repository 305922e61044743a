"""Releases: a commit of the development branch, turned into one digest a service. Deploys use nothing else."""

"""Clusters of mcci.yml, and kubeconfigs, as tests need them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mcci.config.choices import Cloud
from mcci.config.clouds import Cluster, Oidc

PLUGIN = {
    "apiVersion": "client.authentication.k8s.io/v1beta1",
    "command": "aws",
    "args": ["--region", "eu-south-1", "eks", "get-token", "--cluster-name", "prod"],
    "env": [{"name": "AWS_PROFILE", "value": "prod"}],
}


def cluster(name: str = "prod-aws", cloud: Cloud = Cloud.AWS, **more: Any) -> Cluster:
    """Return a cluster of mcci.yml."""
    return Cluster(name=name, cloud=cloud, region="eu-south-1", **more)


def oidc(**more: Any) -> Oidc:
    """Return keyless access that suits every cloud."""
    return Oidc(
        audience="https://gitlab.example", identity="deployer", tenant="T", resource_group="G", project="P",
        provider="projects/1/locations/global/workloadIdentityPools/pool/providers/gitlab", **more,
    )  # fmt: skip


def kubeconfig(
    *names: str,
    user: dict[str, Any] | None = None,
    current: str = "",
    insecure: bool = False,
    authority: str = "",
    **cluster: Any,
) -> str:
    """Return a kubeconfig's text with a context for each name."""
    spoilt: dict[str, Any] = {"insecure-skip-tls-verify": True} if insecure else {}
    spoilt |= {"certificate-authority": authority} if authority else {}
    names = names or ("admin",)
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": current or names[0],
            "contexts": [{"name": each, "context": {"cluster": f"c-{each}", "user": f"u-{each}"}} for each in names],
            "clusters": [
                {
                    "name": f"c-{each}",
                    "cluster": {"server": f"https://{each.replace('/', '-')}.example", **spoilt, **cluster},
                }
                for each in names
            ],
            "users": [
                {"name": f"u-{each}", "user": {"token": f"secret-{each}"} if user is None else user} for each in names
            ],
        }
    )


def file(folder: Path, text: str, name: str = "config") -> Path:
    """Return the path of a file with this text."""
    path = folder / name
    path.write_text(text)
    return path

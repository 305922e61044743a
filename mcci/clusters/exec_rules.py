"""Which programs a kubeconfig may run: those of the cluster's cloud, for what they are for, and what mcci.yml allows.

A kubeconfig is a program: who may write one may run anything in the job, beside its secrets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcci.config.choices import Cloud
from mcci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcci.clients.kubernetes.kubeconfig import Exec
    from mcci.config.clouds import Cluster

# program → the words that its arguments must hold, in this order
_EXPECTED: dict[Cloud, dict[str, tuple[str, ...]]] = {
    Cloud.AWS: {"aws": ("eks", "get-token"), "aws-iam-authenticator": ("token",)},
    Cloud.AZURE: {"kubelogin": ("get-token",)},
    Cloud.GCP: {"gke-gcloud-auth-plugin": ()},
    Cloud.OTHER: {},
}
_VARIABLES = ("AWS_", "AZURE_", "AAD_", "CLOUDSDK_", "GOOGLE_", "USE_GKE_")


def check(plugin: Exec, cluster: Cluster, source: str) -> None:
    """Raise `UsageError` unless the plug-in is one that is expected of this cluster, or that mcci.yml allows."""
    if plugin.command in cluster.allow_exec:
        return
    words = _EXPECTED[cluster.cloud].get(plugin.command)
    if words is None or not _in_order(words, plugin.arguments):
        shown = " ".join([plugin.command, *plugin.arguments[:3]])
        expected = " or ".join(f"'{name}'" for name in _EXPECTED[cluster.cloud]) or "none"
        raise UsageError(
            f"{source} wants to run '{shown}' for the credentials of {cluster.name}. Expected of the cloud "
            f"'{cluster.cloud.value}' is {expected}. If you trust it, put '{plugin.command}' in `allow_exec`."
        )
    strange = sorted(name for name in plugin.environment if not name.startswith(_VARIABLES))
    if strange:
        raise UsageError(
            f"{source} sets {', '.join(strange)} for '{plugin.command}', which is no variable of that program's own. "
            f"If you trust it, add '{plugin.command}' to `allow_exec` of the cluster {cluster.name}."
        )


def _in_order(words: Sequence[str], arguments: Sequence[str]) -> bool:
    left = iter(arguments)
    return all(word in left for word in words)

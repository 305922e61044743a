"""The words that keys of `mcci.yml` choose from."""

from __future__ import annotations

from enum import Enum


class Layout(Enum):
    """How the project's branches divide the work."""

    THREE_BRANCH = "three-branch"
    TRUNK = "trunk"


class Tier(Enum):
    """GitLab's subscription tier."""

    FREE = "free"
    PREMIUM = "premium"
    ULTIMATE = "ultimate"


class TriggerToken(Enum):
    """Which token starts the deployment branch's pipeline."""

    JOB = "job-token"
    TRIGGER = "trigger-token"


class Stack(Enum):
    """How a service's source is compiled before its image is built."""

    PYTHON = "python"
    MAVEN = "maven"
    NODE = "node"
    GO = "go"
    DOCKERFILE = "dockerfile"


class Engine(Enum):
    """What builds images in a job."""

    SOCKET = "socket"
    DIND = "dind"
    BUILDAH = "buildah"


class Cloud(Enum):
    """Where a cluster or a site runs."""

    AWS = "aws"
    AZURE = "azure"
    GCP = "gcp"
    OTHER = "other"


class DeploymentTier(Enum):
    """GitLab's `environment:deployment_tier`."""

    DEVELOPMENT = "development"
    TESTING = "testing"
    STAGING = "staging"
    PRODUCTION = "production"
    OTHER = "other"


class Gate(Enum):
    """What lets a canary step begin: a person's manual job, or the bake time and the judge's verdict."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"


class Notice(Enum):
    """What of a canary a webhook is told."""

    STEP = "step"
    PROMOTE = "promote"
    ABORT = "abort"
    FAIL = "fail"
    HOLD = "hold"


class Topology(Enum):
    """Istio's control-plane topology."""

    PRIMARY_REMOTE = "primary-remote"
    MULTI_PRIMARY = "multi-primary"


class SiteRole(Enum):
    """A VPN site's part in the public key infrastructure."""

    CA = "ca"
    MEMBER = "member"


class NetworkMode(Enum):
    """How the VPN sites are joined."""

    FULL_MESH = "full-mesh"
    RESILIENT = "resilient"


class PoolRole(Enum):
    """What the machines of a pool do in their cluster."""

    ETCD = "etcd"
    CONTROL_PLANE = "control-plane"
    WORKER = "worker"

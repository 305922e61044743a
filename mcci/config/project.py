"""The project's part of `mcci.yml`: branches, generated files, GitLab, the registry and the runners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mcci.config import forms
from mcci.config.choices import Engine, Tier, TriggerToken
from mcci.config.keys import Duration, Marks, Version, key, marks


@dataclass(frozen=True, slots=True, kw_only=True)
class Branches:
    """The project's long-lived branches."""

    default: str = key(
        "The default branch: the parent pipeline's source; with `layout: trunk`, the only branch.",
        "master",
        form=forms.BRANCH,
    )
    development: str = key("The branch with the services' code.", "development", form=forms.BRANCH)
    deployment: str = key("The branch with the Helm charts.", "deployment", form=forms.BRANCH)
    marks: Marks = marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The names of the generated files."""

    parent: str = key("The parent pipeline.", ".gitlab-ci.yml", form=forms.PIPELINE_FILE)
    develop: str = key("The development child pipeline.", "develop-gitlab-ci.yml", form=forms.PIPELINE_FILE)
    deploy: str = key("The deployment child pipeline.", "deploy-gitlab-ci.yml", form=forms.PIPELINE_FILE)
    marks: Marks = marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLab:
    """The GitLab that runs the pipelines: it decides which forms are generated."""

    url: str = key(
        "GitLab's address. By default a job's own GitLab; at a terminal, the host of the git remote `origin`.",
        "",
        form=forms.WEB,
        examples=("https://gitlab.example.com",),
    )
    version: Version = key("The version of GitLab, 17.0 or later.", Version(18, 2), examples=("18.2",))
    tier: Tier = key("The subscription tier. No job needs more than `free` unless this says so.", Tier.FREE)
    trigger: TriggerToken = key(
        "The token with which `mcci trigger` starts the deployment pipeline: the job's own token, or a trigger token.",
        TriggerToken.JOB,
    )
    trigger_token: str = key(
        "The variable that holds the trigger token, with `trigger: trigger-token`.",
        "MCCI_TRIGGER_TOKEN",
        form=forms.VARIABLE,
    )
    inputs: bool = key(
        "Pass the release as a pipeline input, which GitLab 17.11 and later take; else as the variable MCCI_RELEASE.",
        True,
    )
    marks: Marks = marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Where images live."""

    host: str = key("The release registry.", "docker.io", form=forms.HOST)
    namespace: str = key(
        "The namespace in the release registry; by default the application's name.", "", form=forms.IMAGE_NAME
    )
    candidates: str = key(
        "Where candidates are pushed before they are tested; a CI/CD variable may stand in it.",
        "$CI_REGISTRY_IMAGE",
        form=forms.REFERENCE,
    )
    username: str = key(
        "The variable that holds the release registry's user name.", "REGISTRY_USER", form=forms.VARIABLE
    )
    password: str = key(
        "The variable that holds the release registry's password or token.", "REGISTRY_PASSWORD", form=forms.VARIABLE
    )
    mirror: str = key(
        "A mirror to pull base images through: a host, or GitLab's `$CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX`.",
        "",
        form=forms.REFERENCE,
    )
    insecure: bool = key("Speak plain HTTP to the registry. Only for a registry on a trusted network.", False)
    marks: Marks = marks()


# Source: https://get.helm.sh/helm-v3.19.0-linux-amd64.tar.gz.sha256sum, and the same for arm64
_AMD64 = "a7f81ce08007091b86d8bd696eb4d86b8d0f2e1b9f6c714be62f82f96a594496"
_ARM64 = "440cf7add0aee27ebc93fada965523c1dc2e0ab340d4348da2215737fc0d76ad"
_HELM = (
    f'case "$(uname -m)" in x86_64) arch=amd64 sum={_AMD64} ;; *) arch=arm64 sum={_ARM64} ;; esac',
    'curl -fsSL --retry 3 -o /tmp/helm.tar.gz "https://get.helm.sh/helm-v3.19.0-linux-$arch.tar.gz"',
    'echo "$sum  /tmp/helm.tar.gz" | sha256sum --check --quiet',
    'tar -xzf /tmp/helm.tar.gz -C /usr/local/bin --strip-components 1 "linux-$arch/helm"',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """The runners and how jobs use them."""

    tags: tuple[str, ...] = key("The runner tags that every job asks for.", (), form=forms.TAG, unique=True)
    image: str = key("The image that mcci's jobs run in; it holds git.", "python:3.12", form=forms.REFERENCE)
    install: tuple[str, ...] = key(
        "What puts mcci into the job; `{version}` stands for mcci's version. `[]` when the image holds it.",
        ("pip install --quiet mcci=={version}",),
        form=forms.COMMAND,
    )
    helm: tuple[str, ...] = key(
        "What puts Helm into the jobs that deploy: by default a pinned release, its checksum checked. `[]` when the "
        "image holds it.",
        _HELM,
        form=forms.COMMAND,
    )
    engine: Engine = key(
        "What builds images: the runner's engine by its socket, docker-in-docker, or buildah.", Engine.DIND
    )
    timeout: Duration = key("The longest a job may take.", Duration(3600), minimum=60, maximum=30 * 86400)
    timeouts: Mapping[str, Duration] = key(
        "The longest a job of a stage may take, by stage, where that is not `timeout`.",
        factory=dict,
        key_form=forms.NAME,
        minimum=60,
        maximum=30 * 86400,
        examples=({"build": "30m", "production": "2h"},),
    )
    retry: int = key("How often a job is tried again when the runner or the system failed.", 2, minimum=0, maximum=2)
    retry_exit_codes: tuple[int, ...] = key(
        "Exit codes after which a job is tried again too; 3 is a service that failed.",
        (3,),
        minimum=1,
        maximum=255,
        unique=True,
    )
    marks: Marks = marks()

    def timeout_of(self, stage: str) -> Duration:
        """Return the longest that a job of `stage` (mcci's name of it) may take."""
        return self.timeouts.get(stage, self.timeout)

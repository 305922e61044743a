"""The forms that texts in `mcci.yml` must have: what git, GitLab, Kubernetes and registries take.

The expressions are ones that Python and JSON Schema (ECMA-262) read alike, anchored at both ends.
"""

from __future__ import annotations

from dataclasses import replace

from mcci.config.keys import Form

# a DNS label, and a Service begins with a letter:
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
NAME = Form(
    regex=r"^[a-z]([a-z0-9-]*[a-z0-9])?$",
    says="lower-case letters, digits and dashes, beginning with a letter",
    max_length=63,
)
# shorter, so that what is made of it ('name-canary', a Helm release, 'production/name') stays within the limits too
SHORT_NAME = replace(NAME, max_length=40)
ENVIRONMENT = replace(NAME, max_length=30)
# a container port's name is an IANA service name: RFC 6335, section 5.1
PORT_NAME = Form(
    regex=r"^(?!.*--)[a-z]([a-z0-9-]*[a-z0-9])?$",
    says="lower-case letters, digits and single dashes, beginning with a letter",
    max_length=15,
)
NAMESPACE = Form(regex=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", says="lower-case letters, digits and dashes", max_length=63)
VARIABLE = Form(
    regex=r"^[A-Za-z_][A-Za-z0-9_]*$",
    says="the name of a CI/CD variable (letters, digits and underscores)",
    max_length=255,
)
BUILD_ARGUMENT = replace(VARIABLE, says="the name of a build argument (letters, digits and underscores)")
PATH = Form(
    regex=r"^[^\u0000-\u001f\\*?\[\]{}$]+$",
    says="a path with '/' from the repository's root, without wildcards and variables",
    max_length=500,
    path=True,
)
FILE_IN_SERVICE = replace(PATH, says="a path with '/' from the service's folder, without wildcards and variables")
PIPELINE_FILE = Form(
    regex=r"^[^\u0000-\u001f\\*?\[\]{}$]+\.ya?ml$",
    says="a path with '/' from the repository's root that ends in .yml or .yaml, as GitLab takes it",
    max_length=255,
    path=True,
)
INCLUDE = Form(
    regex=r"^[^\u0000-\u001f\\?\[\]{}$]+\.ya?ml$",
    says="a path with '/' from the repository's root that ends in .yml or .yaml",
    max_length=500,
    path=True,
)
# git check-ref-format
BRANCH = Form(
    regex=r"^(?!-)(?!.*(^|/)\.)(?!.*\.lock(/|$))(?!.*(\.\.|//|@\{))[^\u0000-\u0020\u007f~^:?*\[\\/.]"
    r"([^\u0000-\u0020\u007f~^:?*\[\\]*[^\u0000-\u0020\u007f~^:?*\[\\/.])?$",
    says="a name that git takes for a branch: no spaces, no '..', none of ~^:?*[\\",
    max_length=200,
)
# https://distribution.github.io/distribution/spec/api/: a repository's name
IMAGE_NAME = Form(
    regex=r"^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$",
    says="lower-case letters, digits and separators, as registries take them",
    max_length=200,
)
HOST = Form(regex=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$", says="HOST or HOST:PORT", max_length=260)
ADDRESS = Form(regex=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$", says="a host's name or address", max_length=253)
REFERENCE = Form(
    regex=r"^[^\s\u0000-\u001f]+$", says="an image's name or a CI/CD variable, without spaces", max_length=500
)
WEB = Form(regex=r"^https?://[^\s\u0000-\u001f]+$", says="a URL that begins with http:// or https://", max_length=1000)
SECURE_SITE = Form(
    regex=r"^https://[A-Za-z0-9\[]([^\s\u0000-\u001f/?#@]*[^\s\u0000-\u001f/?#@.])?/?$",
    says="an address that begins with https://, without a path",
    max_length=300,
)
WEB_OR_VARIABLE = Form(
    regex=r"^(https?://|\$)[^\s\u0000-\u001f]+$",
    says="a URL that begins with http:// or https://, or a CI/CD variable",
    max_length=255,
)
URL_PATH = Form(regex=r"^/[^\s\u0000-\u001f]*$", says="a path that begins with '/'", max_length=500)
AGENT = Form(regex=r"^[^:\s]+:[a-z0-9-]+$", says="path/to/project:agent-name", max_length=500)
LINE = Form(regex=r"^[^\u0000-\u001f]+$", says="one line of text", max_length=500)
STAGE = Form(regex=r"^(?!\.pre$|\.post$)[^\u0000-\u001f]+$", says="a name other than .pre and .post", max_length=255)
TAG = Form(regex=r"^[^\u0000-\u001f,]+$", says="a runner's tag, without commas", max_length=255)
PROFILE = Form(regex=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", says="letters, digits, dots and dashes", max_length=63)
RKE2_VERSION = Form(
    regex=r"^v[0-9]+\.[0-9]+\.[0-9]+(-[a-z0-9.]+)?\+rke2r[0-9]+$",
    says="a version such as v1.34.5+rke2r1",
    max_length=60,
)
KIND_AND_NAME = Form(
    regex=r"^[A-Z][A-Za-z0-9]*/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
    says="KIND/NAME, such as Amazonec2Config/servers",
    max_length=320,
)
CREDENTIAL = Form(regex=r"^[a-z0-9.-]+:[a-z0-9.-]+$", says="NAMESPACE:NAME", max_length=320)
CIDR = Form(regex=r"^[0-9a-fA-F.:]+/[0-9]{1,3}$", says="a network such as 10.1.0.0/16")
_LINES = r"^[^\u0000-\u0008\u000b-\u001f]*\S[^\u0000-\u0008\u000b-\u001f]*$"
COMMAND = Form(regex=_LINES, says="a shell command")
QUERY = Form(regex=_LINES, says="a PromQL query")
TEMPLATE = Form(regex=_LINES, says="text")

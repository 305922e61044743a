"""Who asks, for what, and how GitLab says no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from mcci.rehearsal.gitlab.model import Access

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request

    from mcci.rehearsal.gitlab.model import Build, Pipeline, User
    from mcci.rehearsal.gitlab.site import Site

PER_PAGE, MOST = 20, 100
WHOLE = "\x1f"  # stands for the slashes of a project's path while its address is read


class Said(Exception):
    """An answer that is not what was asked for."""

    def __init__(self, status: int, message: object) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def not_found(what: str) -> Said:
    """Return GitLab's 404."""
    return Said(404, f"404 {what} Not Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: a user, by an access token or by the token of a job that runs as that user."""

    user: User
    build: Build | None = None


class Asked:
    """One request, with its body read and its caller known when asked for."""

    def __init__(
        self,
        site: Site,
        request: Request,
        body: Mapping[str, Any],
        *,
        raw: bytes = b"",
        file: tuple[str, bytes] | None = None,
    ) -> None:
        """`body` is the form or the JSON, `raw` the bytes of neither, `file` an upload's name and content."""
        self.site = site
        self.request = request
        self.body = body
        self.raw = raw
        self.file = file

    def caller(self, *, access: Access = Access.REPORTER, job_token: bool = False) -> Caller:
        """Return who asks. Raises `Said`: 401 without a token that is known, 403 without the access.

        A job's token opens only what `job_token` says: https://docs.gitlab.com/ci/jobs/ci_job_token/
        """
        headers = self.request.headers
        bearer = headers.get("authorization", "").removeprefix("Bearer ").strip()
        token = headers.get("private-token") or bearer or self.text("private_token")
        job = headers.get("job-token") or self.text("job_token")
        user = self.site.user_of(token) if token else None
        if user is None:
            build = self.site.build_of(job or token) if job or token else None
            if build is None:
                raise Said(401, "401 Unauthorized")
            if not job_token:
                raise not_found("Project")
            return Caller(user=build.user or build.pipeline.user, build=build)
        if user.access < access:
            raise Said(403, "403 Forbidden")
        return Caller(user=user)

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter, of the body or of the query."""
        value = self.body.get(name, self.request.query_params.get(name, default))
        return value if isinstance(value, str) else default if value is None else str(value)

    def required(self, name: str) -> str:
        """Return a parameter that must be there. Raises `Said` (400)."""
        if not (value := self.text(name)):
            raise Said(400, {"error": f"{name} is missing"})
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a parameter that is true or false."""
        value = self.body.get(name, self.request.query_params.get(name, default))
        return value if isinstance(value, bool) else str(value).lower() in ("true", "1", "yes")

    def project(self) -> None:
        """Check that the address names the project. Raises `Said` (404)."""
        named = self.request.path_params["project"]
        if named not in (str(self.site.settings.id), self.site.settings.path):
            raise not_found("Project")

    def pipeline(self) -> Pipeline:
        """Return the pipeline that the address names. Raises `Said` (404)."""
        found = self.site.gitlab.pipelines.get(self.request.path_params["pipeline"])
        if found is None:
            raise not_found("Pipeline")
        return found

    def build(self) -> Build:
        """Return the job that the address names. Raises `Said` (404)."""
        found = self.site.gitlab.builds.get(self.request.path_params["job"])
        if found is None:
            raise not_found("Job")
        return found


def pairs(asked: Asked, name: str) -> dict[str, str]:
    """Return a parameter that is a list of `{key, value}`. Raises `Said` (400) where it is something else."""
    given = asked.body.get(name) or []
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise Said(400, {"error": f"{name} is invalid"})
    lacking = [f"{name}[{at}][{key}]" for at, each in enumerate(given) for key in ("key", "value") if key not in each]
    if lacking:
        raise Said(400, {"error": ", ".join(f"{each} is missing" for each in lacking)})
    return {str(each["key"]): str(each["value"]) for each in given}


def page(asked: Asked, items: Sequence[Any], shape: Callable[[Any], Any]) -> JSONResponse:
    """Return one page of a list, with GitLab's headers. Source: https://docs.gitlab.com/api/rest/#pagination"""
    number = max(1, _number(asked.text("page"), 1))
    size = min(MOST, max(1, _number(asked.text("per_page"), PER_PAGE)))
    pages = max(1, -(-len(items) // size))
    url = asked.request.url.replace(path=asked.request.url.path.replace(WHOLE, "%2F"))
    links = {"first": 1, "last": pages} | ({"next": number + 1} if number < pages else {})
    links |= {"prev": number - 1} if number > 1 else {}
    headers = {
        "X-Total": str(len(items)),
        "X-Total-Pages": str(pages),
        "X-Page": str(number),
        "X-Per-Page": str(size),
        "X-Next-Page": str(number + 1) if number < pages else "",
        "X-Prev-Page": str(number - 1) if number > 1 else "",
        "Link": ", ".join(
            f'<{url.include_query_params(page=each, per_page=size)}>; rel="{name}"' for name, each in links.items()
        ),
    }
    return JSONResponse([shape(each) for each in items[(number - 1) * size : number * size]], headers=headers)


def _number(text: str, default: int) -> int:
    return int(text) if text.isdecimal() else default

"""A Dockerfile is read as builders read it."""

from __future__ import annotations

import pytest

from mcci.delivery.builds.dockerfile import parse, pinned, substituted


@pytest.mark.parametrize(
    ("text", "bases"),
    [
        ("FROM python:3.12", ("python:3.12",)),
        ("FROM scratch\nCOPY a /", ()),
        ("ARG V=3.12\nFROM python:$V-slim", ("python:3.12-slim",)),
        ("ARG V=3.12\nARG BASE=python:${V}\nFROM ${BASE}", ("python:3.12",)),
        ("ARG BASE\nFROM ${BASE:-alpine:3}", ("alpine:3",)),
        ('ARG BASE="alpine:3"\nFROM ${BASE}', ("alpine:3",)),
        ("FROM golang:1 AS build\nRUN go build\nFROM alpine:3\nCOPY --from=build /a /a", ("golang:1", "alpine:3")),
        ("FROM golang:1 AS Build\nFROM build AS test\nFROM alpine:3\nCOPY --from=BUILD /a /", ("golang:1", "alpine:3")),
        ("FROM golang:1\nFROM alpine:3\nCOPY --from=0 /a /a", ("golang:1", "alpine:3")),
        ("FROM alpine:3\nCOPY --from=busybox:1 /bin/sh /", ("busybox:1", "alpine:3")),
        ("FROM alpine:3\nRUN --mount=type=bind,from=busybox:1,target=/b ls /b", ("busybox:1", "alpine:3")),
        ("FROM --platform=$BUILDPLATFORM alpine:3 AS a", ("alpine:3",)),
        ("FROM alpine:3\nRUN <<END\nFROM nothing:1\nEND\n", ("alpine:3",)),
        ("from alpine:3 as a\n", ("alpine:3",)),
        ("# escape=`\nFROM alpine:3\nRUN a `\n  FROM b:1\n", ("alpine:3",)),
        ("FROM \\\n  # a comment\n\n  alpine:3\n", ("alpine:3",)),
        ("\ufeffFROM alpine:3\r\nRUN true\r\n", ("alpine:3",)),
    ],
)
def test_base_images(text: str, bases: tuple[str, ...]) -> None:
    """The images a build starts or copies from are found, and stages, comments and here-documents are none."""
    assert parse(text, {}).bases == bases


def test_the_final_base_is_last() -> None:
    """The base that the image itself is built upon is the last one, however often it is used before."""
    assert parse("FROM a:1 AS x\nFROM b:1 AS y\nFROM x\nCOPY --from=y /a /", {}).bases == ("b:1", "a:1")


def test_build_arguments_win() -> None:
    """A build argument's value replaces the ARG's default, and one without an ARG is not put in."""
    assert parse("ARG BASE=a:1\nFROM $BASE", {"BASE": "b:2"}).bases == ("b:2",)
    assert parse("FROM $BASE", {"BASE": "b:2"}).unknown == ("$BASE",)
    assert parse("ARG BASE\nFROM $BASE", {}).unknown == ("$BASE",)
    assert parse("ARG BASE=\nFROM $BASE", {}).unknown == ("",)


def test_an_argument_inside_a_stage_does_not_count() -> None:
    """FROM sees only what was declared before the first FROM."""
    assert parse("FROM a:1\nARG B=b:1\nFROM $B", {}).unknown == ("$B",)


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("# syntax=docker/dockerfile:1\nFROM a", "a `# syntax=` line"),
        ("FROM a\nRUN --mount=type=secret,id=T cat /run/secrets/T", "RUN --mount=type=secret"),
        ("FROM a\nRUN --mount=type=cache,target=/c x", "RUN --mount=type=cache"),
        ("FROM a\nRUN --mount=target=/c x", "RUN --mount=type=bind"),
        ("FROM a\nRUN <<E\nx\nE", "a here-document in RUN"),
        ("FROM a\nCOPY --chmod=755 a b", "COPY --chmod"),
    ],
)
def test_what_needs_buildkit(text: str, feature: str) -> None:
    """What the classic builder cannot do is named."""
    assert parse(text, {}).buildkit == (feature,)


def test_plain_dockerfiles_need_no_buildkit() -> None:
    """An ordinary Dockerfile, comments with `=` below the top included, builds with any engine."""
    assert parse("FROM a\n# syntax=no directive here\nRUN echo '--mount' <<<x\nCOPY a b", {}).buildkit == ()


def test_secrets_are_listed() -> None:
    """The ids of the secrets that RUN mounts are known before the build."""
    text = "FROM a\nRUN --mount=type=secret,id=A --mount=type=secret,target=B,required=true x"
    assert parse(text, {}).secrets == ("A", "B")


def test_pins_replace_the_base_images_and_nothing_else() -> None:
    """Each base image is replaced where it is used; stages, other lines and the number of lines stay."""
    text = (
        "ARG B=py:3\nFROM --platform=x \\\n  $B AS one\nRUN echo py:3\nFROM one\n"
        "COPY --from=one /a /a\nCOPY --from=busybox /b /b\nRUN --mount=from=busybox,target=/x true\n"
    )
    pins = {"py:3": "py@sha256:1", "busybox": "bb@sha256:2", "one": "wrong"}
    assert pinned(text, {}, pins) == (
        "ARG B=py:3\nFROM --platform=x py@sha256:1 AS one\n\nRUN echo py:3\nFROM one\n"
        "COPY --from=one /a /a\nCOPY --from=bb@sha256:2 /b /b\nRUN --mount=from=bb@sha256:2,target=/x true\n"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$A", "1"), ("${A}", "1"), ("${A:-2}", "1"), ("${E:-2}", "2"), ("${E-2}", ""), ("${N-2}", "2"),
        ("${A:+x}", "x"), ("${E:+x}", ""), ("${E+x}", "x"), ("\\$A", "$A"), ("$N", "$N"), ("${N:-$A}", "1"),
    ],
)  # fmt: skip
def test_substitution(text: str, value: str) -> None:
    """Variables are put in as Docker's reference says; one without a value stays visible."""
    assert substituted(text, {"A": "1", "E": ""}) == value

"""release.json, and what lies between two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcci.clients.registry.reference import parse
from mcci.config.load import load
from mcci.delivery.release import model
from mcci.delivery.release.compare import Kind, compare, paths
from mcci.delivery.release.model import Image, Release
from mcci.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
version: 1
application: shop
services:
  cart: {depends_on: [libs/money/, base]}
  base: {path: images/base, depends_on: [orders]}
  orders: {context: .}
"""


def image(service: str, number: int) -> Image:
    return Image(service=service, image=parse(f"h.io/shop/{service}@sha256:{number:064x}"), commit=f"{number:040x}")


def release(**images: int) -> Release:
    return Release(name="r", images={name: image(name, number) for name, number in images.items()})


def test_read_as_written(tmp_path: Path) -> None:
    """What is written is read back the same."""
    (tmp_path / "release.json").write_text(model.dump(release(cart=1, orders=2)))
    assert model.load(tmp_path / "release.json") == release(cart=1, orders=2)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"schema": "mcci.release/2", "release": "", "services": []}', '{"schema": "mcci.release/1"}',
        '{"schema": "mcci.release/1", "release": 1, "services": []}',
        '{"schema": "mcci.release/1", "release": "", "services": [1]}',
        model.dump(release(cart=1)).replace("@sha256:" + f"{1:064x}", ":tag"),
    ],
)  # fmt: skip
def test_damaged(tmp_path: Path, text: str) -> None:
    """A file that is damaged, of another version, or names an image by tag is refused by name."""
    (tmp_path / "release.json").write_text(text)
    with pytest.raises(UsageError, match=r"release\.json"):
        model.load(tmp_path / "release.json")


def test_compared() -> None:
    """Services are told apart by digest, in the later release's order, those that went last."""
    changes = compare(release(old=1, same=2, cart=3), release(cart=4, same=2, new=5))
    assert [(each.service, each.kind) for each in changes] == [
        ("cart", Kind.CHANGED), ("same", Kind.SAME), ("new", Kind.ADDED), ("old", Kind.REMOVED),
    ]  # fmt: skip


def test_paths() -> None:
    """A service's commits are those to all that its image is built from, through the services it depends on."""
    config = load(CONFIG.encode(), "mcci.yml")
    assert paths(config, "cart") == ["cart", "libs/money", "images/base", "orders", "."]

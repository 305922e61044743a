"""Who drives which vehicle. Generated, so that nobody real is in it; the same in every copy of the service."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

VEHICLE = re.compile(r"v-(\d{4,7})")
FIRST = (
    "Ada", "Bruno", "Chiara", "Dario", "Elena", "Farid", "Grace", "Hiro", "Ines", "Jonas", "Kira", "Luca", "Mara",
    "Nadia", "Omar", "Paola", "Quinn", "Rosa", "Samir", "Tea", "Ugo", "Vera", "Wanda", "Yusuf", "Zoe", "Amir",
    "Livia", "Teo", "Sonia", "Marek", "Aisha", "Diego",
)  # fmt: skip
LAST = (
    "Abbate", "Bianchi", "Conti", "Duarte", "Esposito", "Fontana", "Greco", "Haddad", "Ivanova", "Jansen", "Kowalski",
    "Lombardi", "Moretti", "Nowak", "Okafor", "Pellegrini", "Quaranta", "Rinaldi", "Sartori", "Tanaka", "Ueda",
    "Vitale", "Weber", "Ximenes", "Yilmaz", "Zanetti", "Marchetti",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A driver; `look` is a number from which a portrait is drawn."""

    name: str
    licence: str
    look: int


def driver_of(vehicle: str, roster_size: int) -> Driver | None:
    """The driver of `v-0001` … `v-<roster_size>`; None for any other vehicle."""
    match = VEHICLE.fullmatch(vehicle)
    if not match or not 1 <= (number := int(match[1])) <= roster_size or vehicle != f"v-{number:04d}":
        return None
    digest = int.from_bytes(hashlib.sha256(vehicle.encode()).digest()[:12], "big")
    name = f"{FIRST[digest % len(FIRST)]} {LAST[digest // 64 % len(LAST)]}"
    return Driver(name=name, licence=f"TO-{digest // 4096 % 1_000_000:06d}", look=digest >> 32)

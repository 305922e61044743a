"""Portraits drawn from a number: a few flat shapes, about a kilobyte of SVG, the same for the same driver."""

from __future__ import annotations

import base64

SKINS = ("#f3d3bd", "#e3b08f", "#c98d64", "#a3683f", "#7d4a2a", "#f0c7a4")
HAIRS = ("#2b211d", "#5a3a25", "#8a5a2f", "#c79a55", "#3a3f4a", "#9a9a9a", "#7a2f25")
SHIRTS = ("#2f6fed", "#0f8a6c", "#b6562b", "#7b4fc9", "#c23d6b", "#33475b", "#977a12")
BACKGROUNDS = ("#dbe7ff", "#d8f0e6", "#ffe6d6", "#ece2ff", "#ffe0ea", "#e4eaf0", "#f6eecb")
HAIRCUTS = (
    '<path d="M28 48q-2-30 22-30t22 30q-4-14-14-17-12 6-22 3-6 4-8 14z"/>',
    '<path d="M27 72q-6-54 23-54t23 54h-9q4-30-6-38-14 8-24 4-4 12 2 34z"/>',
    '<circle cx="50" cy="17" r="9"/><path d="M29 46q0-26 21-26t21 26q-8-12-21-12t-21 12z"/>',
    '<path d="M30 40q0-18 20-18t20 18q-10-8-20-8t-20 8z"/>',
    '<path d="M26 46q-4-28 24-29 26 1 25 27-8-4-12-12-14 10-30 4-5 4-7 10z"/>',
)
GLASSES = (
    '<g fill="none" stroke="#33383f" stroke-width="1.8"><circle cx="42" cy="47" r="6"/>'
    '<circle cx="58" cy="47" r="6"/><path d="M48 46q2-1.5 4 0"/></g>'
)
BEARD = '<path d="M31 52q2 22 19 22t19-22q-3 7-9 8-10-4-20 0-6-1-9-8z" fill="{hair}"/>'


def portrait(look: int) -> str:
    """The SVG of this look, 100 by 100."""

    def pick(options: tuple[str, ...], place: int) -> str:
        return options[(look >> (place * 5)) % len(options)]

    skin, hair = pick(SKINS, 0), pick(HAIRS, 1)
    beard = BEARD.format(hair=hair) if look >> 33 & 3 == 0 else ""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
        f'<rect width="100" height="100" fill="{pick(BACKGROUNDS, 2)}"/>'
        f'<path d="M14 100q2-26 36-26t36 26z" fill="{pick(SHIRTS, 3)}"/>'
        f'<path d="M42 62h16v14q-8 7-16 0z" fill="{skin}"/><path d="M42 68q8 6 16 0v4q-8 6-16 0z" opacity=".15"/>'
        f'<ellipse cx="50" cy="48" rx="20" ry="24" fill="{skin}"/>{beard}'
        '<g fill="#2a2f36"><circle cx="42" cy="47" r="2.3"/><circle cx="58" cy="47" r="2.3"/></g>'
        '<path d="M44 59q6 5 12 0" fill="none" stroke="#8c3f33" stroke-width="2" stroke-linecap="round"/>'
        f'<g fill="{hair}">{pick(HAIRCUTS, 4)}</g>{GLASSES if look >> 35 & 3 == 0 else ""}</svg>'
    )


def portrait_url(look: int) -> str:
    """The portrait as a data URL: it travels in the answer, so name and photo are always one version's."""
    return "data:image/svg+xml;base64," + base64.b64encode(portrait(look).encode()).decode()

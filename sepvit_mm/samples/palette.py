"""Colours that people with any colour vision tell apart."""

from __future__ import annotations

# Okabe and Ito's, the darker ones first; black is left for text
COLOURS = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (213, 94, 0),
    (240, 228, 66),
)


def colour(index: int) -> tuple[int, int, int]:
    """Return the colour of a class; beyond the seventh they come again, darker."""
    shade = 0.75 ** (index // len(COLOURS) % 4)
    red, green, blue = COLOURS[index % len(COLOURS)]
    return int(red * shade), int(green * shade), int(blue * shade)

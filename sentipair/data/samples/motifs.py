"""What the sample pictures show: faces, weather, hands and objects, five motifs for each sentiment."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sentipair.data.samples.brush import Brush, Colour, arc, mix

INK: Colour = (66, 50, 58)
WHITE: Colour = (255, 252, 245)
TEAR: Colour = (104, 178, 226)
SKINS: tuple[Colour, ...] = ((255, 209, 84), (255, 196, 120), (236, 178, 126), (198, 134, 92), (150, 98, 66))
CLOTHES: tuple[Colour, ...] = ((214, 92, 92), (82, 136, 190), (96, 160, 120), (160, 112, 176), (226, 150, 72))

Motif = Callable[[Brush, np.random.Generator], None]


def pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    """One of ``colours``."""
    return colours[rng.integers(len(colours))]


# Faces


def _head(brush: Brush, skin: Colour) -> None:
    brush.disc(0, 0, 1.0, mix(skin, INK, 0.18))
    brush.disc(-0.03, -0.03, 0.94, skin)
    brush.oval(-0.3, -0.5, 0.4, 0.22, mix(skin, WHITE, 0.22))


def _eyes(brush: Brush, *, height: float = 0.17) -> None:
    for side in (-1, 1):
        brush.oval(0.36 * side, -0.2, 0.12, height, INK)
        brush.disc(0.36 * side - 0.04, -0.27, 0.045, WHITE)


def smiling_face(brush: Brush, rng: np.random.Generator) -> None:
    """Broad open laugh, rosy cheeks."""
    skin = pick(rng, SKINS)
    _head(brush, skin)
    if rng.random() < 0.5:
        _eyes(brush)
    else:
        for side in (-1, 1):
            brush.line(arc(0.37 * side, -0.12, 0.17, 0.18, 195, 345), 0.09, INK)
    for side in (-1, 1):
        brush.oval(0.62 * side, 0.12, 0.17, 0.11, mix(skin, (240, 86, 90), 0.5))
    brush.polygon(arc(0, 0.16, 0.58, 0.58, 0, 180), (120, 38, 48))
    brush.polygon(arc(0, 0.60, 0.3, 0.14, 0, 360), (232, 98, 106))
    brush.polygon([(-0.53, 0.16), (0.53, 0.16), (0.48, 0.3), (-0.48, 0.3)], WHITE)


def calm_face(brush: Brush, rng: np.random.Generator) -> None:
    """Straight mouth, round glasses or level brows."""
    _head(brush, pick(rng, SKINS))
    _eyes(brush, height=0.12)
    if rng.random() < 0.5:
        for side in (-1, 1):
            brush.line(arc(0.37 * side, -0.2, 0.27, 0.27, 0, 360), 0.06, INK)
        brush.bar((-0.1, -0.2), (0.1, -0.2), 0.06, INK)
    else:
        for side in (-1, 1):
            brush.bar((0.22 * side, -0.5), (0.52 * side, -0.5), 0.08, INK)
    brush.bar((-0.34, 0.42), (0.34, 0.42), 0.1, INK)


def sad_face(brush: Brush, rng: np.random.Generator) -> None:
    """Mouth turned down, worried brows, tears."""
    skin = mix(pick(rng, SKINS), (120, 150, 196), 0.25)
    _head(brush, skin)
    _eyes(brush)
    for side in (-1, 1):
        brush.bar((0.18 * side, -0.62), (0.56 * side, -0.44), 0.09, INK)
    brush.line(arc(0, 0.78, 0.42, 0.36, 200, 340), 0.12, INK)
    sides = ((-1,), (1,), (-1, 1))[rng.integers(3)]
    for side in sides:
        _drop(brush, 0.42 * side, 0.22, 0.17, TEAR)
        _drop(brush, 0.48 * side, 0.62, 0.13, TEAR)


def _drop(brush: Brush, x: float, y: float, size: float, colour: Colour) -> None:
    brush.polygon([(x, y - 2 * size), (x + 0.9 * size, y), (x - 0.9 * size, y)], colour)
    brush.disc(x, y, size, colour)
    brush.disc(x - 0.3 * size, y, 0.25 * size, mix(colour, WHITE, 0.7))


# Weather


def sun(brush: Brush, rng: np.random.Generator) -> None:
    """A sun with rays."""
    colour = mix((255, 214, 64), (255, 166, 48), rng.random())
    count = int(rng.integers(9, 15))
    for angle in np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.random():
        out = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-out[1], out[0]]) * 0.13
        brush.polygon(np.array([out * 0.66 - across, out * 0.66 + across, out * 1.05]), colour)
    brush.disc(0, 0, 0.62, mix(colour, INK, 0.12))
    brush.disc(-0.02, -0.02, 0.57, mix(colour, WHITE, 0.15))
    brush.disc(-0.17, -0.18, 0.2, mix(colour, WHITE, 0.5))


def _cloud(brush: Brush, colour: Colour, y: float = 0.0) -> None:
    shade = mix(colour, INK, 0.14)
    for dx, dy, radius in ((-0.55, 0.12, 0.36), (0.55, 0.14, 0.34), (-0.15, -0.14, 0.48), (0.3, -0.05, 0.4)):
        brush.disc(dx, y + dy + 0.05, radius, shade)
        brush.disc(dx, y + dy, radius * 0.97, colour)
    brush.box(-0.6, y + 0.1, 0.6, y + 0.45, colour)


def clouds(brush: Brush, rng: np.random.Generator) -> None:
    """Two pale clouds, no sun, no rain."""
    _cloud(brush, mix((214, 220, 226), WHITE, 0.3 * rng.random()), y=-0.35)
    _cloud(brush, mix((236, 240, 243), WHITE, rng.random()), y=0.4)


def storm(brush: Brush, rng: np.random.Generator) -> None:
    """A dark cloud with rain and lightning."""
    for x in np.linspace(-0.75, 0.75, 7):
        y = 0.25 + 0.3 * rng.random()
        brush.bar((x, y), (x - 0.16, y + 0.4), 0.07, (92, 142, 196))
    dark = mix((84, 88, 104), (58, 62, 82), rng.random())
    _cloud(brush, dark, y=-0.35)
    bolt = [(0.1, -0.1), (-0.3, 0.5), (-0.05, 0.5), (-0.2, 1.0), (0.34, 0.3), (0.08, 0.3), (0.3, -0.1)]
    brush.polygon(bolt, (255, 222, 76))


# Hands


def _fist(brush: Brush, rng: np.random.Generator, *, up: bool) -> None:
    skin, sleeve = pick(rng, SKINS), pick(rng, CLOTHES)
    shade, flip = mix(skin, INK, 0.3), 1.0 if up else -1.0
    brush.polygon(
        [(-1.0, -0.12 * flip), (-0.5, -0.12 * flip), (-0.5, 0.72 * flip), (-1.0, 0.8 * flip)], sleeve
    )
    brush.line([(-0.28, 0.1 * flip), (-0.02, -0.4 * flip), (0.0, -0.82 * flip)], 0.36, shade)
    brush.line([(-0.28, 0.1 * flip), (-0.02, -0.4 * flip), (0.0, -0.82 * flip)], 0.3, skin)
    brush.polygon(np.array([(-0.5, -0.1), (0.2, -0.2), (0.4, 0.72), (-0.5, 0.68)]) * [1, flip], skin)
    for row in range(4):
        y = (-0.1 + 0.25 * row) * flip
        end = 0.62 - 0.06 * row
        brush.bar((0.0, y), (end, y), 0.27, shade)
        brush.bar((0.0, y), (end - 0.01, y), 0.21, skin)


def thumbs_up(brush: Brush, rng: np.random.Generator) -> None:
    """A fist with the thumb up."""
    _fist(brush, rng, up=True)


def thumbs_down(brush: Brush, rng: np.random.Generator) -> None:
    """A fist with the thumb down."""
    _fist(brush, rng, up=False)


def open_hand(brush: Brush, rng: np.random.Generator) -> None:
    """A flat hand, fingers spread."""
    skin, sleeve = pick(rng, SKINS), pick(rng, CLOTHES)
    shade = mix(skin, INK, 0.3)
    tips = ((-0.5, -0.62), (-0.2, -0.95), (0.13, -0.98), (0.45, -0.72))
    for width, colour in ((0.27, shade), (0.21, skin)):
        for (x, y), base in zip(tips, (-0.34, -0.13, 0.1, 0.32), strict=True):
            brush.bar((base, 0.1), (x, y), width, colour)
        brush.line([(0.3, 0.5), (0.6, 0.15), (0.82, -0.12)], width, colour)
    brush.polygon([(-0.46, 0.0), (0.43, 0.0), (0.44, 0.4), (0.24, 0.75), (-0.26, 0.75), (-0.45, 0.4)], skin)
    brush.polygon([(-0.36, 0.7), (0.34, 0.7), (0.4, 1.05), (-0.42, 1.05)], sleeve)
    brush.line(arc(-0.02, 0.2, 0.3, 0.16, 20, 160), 0.04, shade)


# Objects


def cake(brush: Brush, rng: np.random.Generator) -> None:
    """A birthday cake with burning candles."""
    icing, sponge = pick(rng, ((255, 178, 196), (255, 226, 160), (190, 226, 214))), (196, 130, 82)
    brush.oval(0, 0.8, 1.05, 0.16, (222, 226, 232))
    brush.box(-0.82, 0.0, 0.82, 0.8, sponge)
    brush.box(-0.82, 0.36, 0.82, 0.46, mix(sponge, WHITE, 0.6))
    brush.box(-0.82, -0.08, 0.82, 0.12, icing)
    for x in np.linspace(-0.7, 0.7, 6):
        brush.oval(x, 0.12, 0.13, 0.1 + 0.12 * rng.random(), icing)
    for x in np.linspace(-0.5, 0.5, int(rng.integers(3, 6))):
        brush.bar((x, -0.1), (x, -0.5), 0.1, pick(rng, CLOTHES))
        brush.oval(x, -0.72, 0.1, 0.17, (255, 156, 48))
        brush.oval(x, -0.68, 0.05, 0.1, (255, 238, 150))


def gift(brush: Brush, rng: np.random.Generator) -> None:
    """A wrapped present with a bow."""
    paper, ribbon = pick(rng, CLOTHES), (255, 218, 92)
    brush.box(-0.76, -0.1, 0.76, 0.9, paper)
    brush.box(-0.86, -0.3, 0.86, 0.08, mix(paper, WHITE, 0.18))
    brush.box(-0.13, -0.3, 0.13, 0.9, ribbon)
    for side in (-1, 1):
        brush.line(arc(0.3 * side, -0.55, 0.28, 0.22, 0, 360), 0.13, ribbon)
    brush.disc(0, -0.38, 0.14, mix(ribbon, INK, 0.15))


def cup(brush: Brush, rng: np.random.Generator) -> None:
    """A plain cup on a saucer."""
    china = mix(pick(rng, CLOTHES), WHITE, 0.55)
    brush.oval(0, 0.78, 0.95, 0.17, mix(china, INK, 0.15))
    brush.line(arc(0.62, 0.05, 0.28, 0.28, -90, 90), 0.13, china)
    brush.polygon([(-0.66, -0.4), (0.66, -0.4), (0.46, 0.72), (-0.46, 0.72)], china)
    brush.oval(0, -0.4, 0.66, 0.18, mix(china, WHITE, 0.5))
    brush.oval(0, -0.38, 0.55, 0.13, (112, 74, 52))


def broken_cup(brush: Brush, rng: np.random.Generator) -> None:
    """A cup in two halves, its coffee spilled."""
    china = mix(pick(rng, CLOTHES), WHITE, 0.45)
    brush.oval(0.1, 0.8, 1.0, 0.2, (92, 60, 44))
    brush.oval(-0.7, 0.88, 0.3, 0.1, (92, 60, 44))
    left = [
        (-0.98, -0.3),
        (-0.4, -0.5),
        (-0.2, -0.2),
        (-0.36, 0.05),
        (-0.12, 0.3),
        (-0.26, 0.72),
        (-0.6, 0.74),
    ]
    right = [(0.94, -0.1), (0.36, -0.42), (0.24, -0.12), (0.46, 0.1), (0.2, 0.4), (0.36, 0.8), (0.72, 0.7)]
    brush.line(arc(0.92, 0.34, 0.24, 0.24, -90, 90), 0.12, china)
    brush.polygon(left, china)
    brush.polygon(right, mix(china, INK, 0.1))
    for side in (left, right):
        brush.line(side[1:6], 0.05, INK)
    for x, y in ((-0.02, 0.66), (0.1, 0.92), (-0.9, 0.62)):
        size = 0.1 + 0.06 * rng.random()
        brush.polygon([(x - size, y), (x + size * 0.4, y - size), (x + size, y + size * 0.6)], china)


def broken_heart(brush: Brush, rng: np.random.Generator) -> None:
    """A heart torn in two."""
    colour = mix((196, 44, 64), (150, 60, 110), rng.random())
    crack = np.array([(0.0, -0.42), (-0.16, -0.1), (0.14, 0.16), (-0.1, 0.46), (0.0, 0.95)])
    for side in (-1, 1):
        apart = np.array([0.13 * side, 0.02])
        half = np.concatenate([crack, arc(0.46 * side, -0.3, 0.5, 0.52, 90 - 60 * side, 90 - 250 * side)])
        shade = mix(colour, INK, 0.25 if side > 0 else 0.05)
        brush.polygon(half + apart, shade)
        brush.line(crack + apart, 0.05, mix(colour, INK, 0.6))
    brush.oval(-0.68, -0.45, 0.14, 0.18, mix(colour, WHITE, 0.35))


def book(brush: Brush, rng: np.random.Generator) -> None:
    """An open book with lines of text."""
    cover = pick(rng, CLOTHES)
    for side in (-1, 1):
        page = np.array([(0.0, -0.5), (0.92, -0.62), (0.92, 0.58), (0.0, 0.72)])
        brush.polygon((page + np.array([0.06, 0.09])) * [side, 1], cover)
        brush.polygon(page * [side, 1], mix(WHITE, INK, 0.02 if side > 0 else 0.1))
        for y in np.linspace(-0.35, 0.4, 6):
            brush.bar((0.14 * side, y), ((0.7 + 0.1 * rng.random()) * side, y - 0.08), 0.05, (170, 164, 160))


MOTIFS: dict[str, tuple[Motif, ...]] = {
    "positive": (smiling_face, sun, thumbs_up, cake, gift),
    "neutral": (calm_face, clouds, open_hand, cup, book),
    "negative": (sad_face, storm, thumbs_down, broken_cup, broken_heart),
}
"""Image label → what may be drawn for it."""

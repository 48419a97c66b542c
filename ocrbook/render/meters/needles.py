"""The shapes of needles of pointer dials."""

from __future__ import annotations

import numpy as np

NEEDLES = ("tapered", "bar", "arrow", "spade", "lance", "drop", "line")
"""The shapes of needles; `HELD_OUT_NEEDLES` of them are never drawn in training."""

HELD_OUT_NEEDLES = ("lance", "drop")


def needle(name: str, rng: np.random.Generator) -> np.ndarray:
    """Corners of a needle that points up, (N, 2); its hub is (0, 0), its length about 1, x to the right, y down."""
    base = rng.uniform(0.04, 0.17)
    tip = rng.uniform(0.0, 0.03)
    tail = float(rng.choice([0.0, rng.uniform(0.05, 0.4)]))
    if name == "tapered":
        side = [(base, 0.0), (tip, -1)]
        end = [(rng.uniform(0.3, 1.3) * base, tail)]
    elif name == "bar":
        side = [(0.6 * base, 0.0), (0.55 * base, -rng.uniform(0.8, 1)), (0, -1)]
        end = [(0.6 * base, tail)]
    elif name == "arrow":
        neck, head = rng.uniform(0.5, 0.8), rng.uniform(0.09, 0.2)
        side = [(0.35 * base, 0.0), (0.35 * base, -neck), (head, -neck), (tip, -1)]
        end = [(0.5 * base, tail)]
    elif name == "spade":
        side = [(0.3 * base, 0.0), (0.3 * base, -0.35), (1.1 * base, -rng.uniform(0.5, 0.7)), (tip, -1)]
        end = [(0.8 * base, tail)]
    elif name == "lance":
        side = [(0.5 * base, 0.0), (1.3 * base, -0.55), (0.3 * base, -0.75), (tip, -1)]
        end = [(0.5 * base, tail)]
    elif name == "drop":
        angles = np.linspace(0.2, np.pi - 0.2, 12)
        bulb = rng.uniform(0.1, 0.2)
        side = [(bulb * np.sin(a), -rng.uniform(0.0, 0.005) - 0.2 + bulb * np.cos(a)) for a in angles] + [(tip, -1)]
        side = [(0.25 * base, 0.0), *side]
        end = [(0.4 * base, tail)]
    else:
        side = [(0.025, 0.0), (0.02, -1)]
        end = [(0.025, tail)]
    right = [*end, *side]
    return np.array([*right, *[(-x, y) for x, y in reversed(right)]])


def fat_needle(rng: np.random.Generator) -> np.ndarray:
    """Corners of a needle that is wide at its hub: a drop, or a wedge with a straight or pointed end; see `needle`."""
    if rng.random() < 0.5:
        bulb, neck, flank = rng.uniform(0.2, 0.5), rng.uniform(0.3, 0.95), rng.uniform(0.35, 0.7)
        round_end = bulb * ways(np.linspace(np.pi, np.arcsin(neck * 0.99), 14))
        side = [
            *round_end,
            (neck * bulb * rng.uniform(0.3, 0.6), -bulb - flank * (1 - bulb)),
            (rng.uniform(0, 0.06), -1),
        ]
    else:
        wide, tail, shoulder = rng.uniform(0.14, 0.36), rng.uniform(0.15, 0.6), rng.uniform(-0.3, 0.5)
        side = [(0, tail), (wide * rng.uniform(0.7, 1.1), tail), (wide, -shoulder), (rng.uniform(0, 0.05), -1)]
    right = np.array(side)
    corners = np.concatenate([right, (right * [-1, 1])[::-1]])
    share = np.clip(-corners[:, 1], 0, 1)  # seen from the side, a high needle is bent between its hub and its tip
    corners[:, 0] += rng.normal(0, 0.12) * share * (1 - share)
    return corners


def mark(rng: np.random.Generator) -> np.ndarray:
    """Corners of an arrow or a notch at the rim of a disc; see `needle`."""
    wide, inner = rng.uniform(0.08, 0.2), -rng.uniform(0.4, 0.75)
    corners = [(-wide, inner), (0, -1), (wide, inner)] if rng.random() < 0.7 else [(-wide, -1), (0, inner), (wide, -1)]
    return np.array(corners)


def ways(angles: np.ndarray | float) -> np.ndarray:
    """Unit vectors (..., 2), x to the right, y down, for angles clockwise from the top."""
    return np.stack([np.sin(angles), -np.cos(angles)], axis=-1)

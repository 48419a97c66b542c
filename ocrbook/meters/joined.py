"""Reading what a profile says where to find."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ocrbook.meters.cuts import MARGIN, cut_out
from ocrbook.meters.profile import Profile
from ocrbook.meters.reading import Reading, rejected
from ocrbook.meters.windows import read_positions, read_window

ASPECT = 0.02
"""How much the ratio of a photograph's sides may differ from that of a profile's photographs, or else two pixels."""

BESIDE = 1.3
"""What is looked at beside the digits of a display whose first positions are blank, in widths of a position."""


def read_with(profile: Profile, image: np.ndarray, second: bool) -> Reading:
    """The window of a profile."""
    height, width = image.shape[:2]
    right_height = width * profile.size[1] / profile.size[0]
    if abs(height - right_height) > max(2, ASPECT * right_height):
        wanted = f"{profile.size[0]} x {profile.size[1]}"
        return rejected(f"the photograph is {width} x {height}, not like those of the profile, {wanted}")
    quad = np.array(profile.window) * [width / profile.size[0], height / profile.size[1]]
    place = tuple((float(x), float(y)) for x, y in quad)
    straight, _ = cut_out(image, quad)
    if not profile.positions:
        reading = read_window(straight, profile.kind, profile.digits, profile.decimals, second=second)
        if reading.accepted and len(reading.text) < profile.digits and _goes_on(image, quad, profile, reading.text):
            reading = replace(reading, accepted=False, reason="the digits go on outside of the profile's window")
        return replace(reading, place=place)
    # the profile's window has no margin, the one cut out has
    height = straight.shape[0] / (1 + 2 * MARGIN[1])
    side, top = MARGIN[0] * height, MARGIN[1] * height
    edges = side + np.array(profile.positions) * (straight.shape[1] - 2 * side)
    bottom = straight.shape[0] - top
    boxes = np.stack([edges[:, 0], np.full(len(edges), top), edges[:, 1], np.full(len(edges), bottom)], axis=1)
    scores = np.ones(len(boxes))
    reading = read_positions(straight, profile.kind, boxes, scores, profile.digits, profile.decimals, second)
    return replace(reading, place=place)


def _goes_on(image: np.ndarray, quad: np.ndarray, profile: Profile, text: str) -> bool:
    """Whether a wider look at a display shows more digits: then the camera has moved, and not the first are blank."""
    across, down = (quad[1] - quad[0] + quad[2] - quad[3]) / 2, (quad[3] - quad[0] + quad[2] - quad[1]) / 2
    pitch = np.linalg.norm(across) / profile.digits / max(1.0, np.linalg.norm(down))
    wider, _ = cut_out(image, quad, (MARGIN[0] + BESIDE * pitch, MARGIN[1]))
    seen = read_window(wider, profile.kind)
    return len(seen.text) > len(text) and text in seen.text

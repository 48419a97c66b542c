"""Reading meters: digits, windows, dials, photographs, and what a meter may show next.

Images are uint8 (H, W, 3) in BGR. Everything answers with a `Reading`.
"""

from ocrbook.meters.counters import resolve
from ocrbook.meters.dials import read_dial
from ocrbook.meters.digits import read_digit
from ocrbook.meters.finding import Found, find_windows
from ocrbook.meters.history import History
from ocrbook.meters.photos import read_photo
from ocrbook.meters.places import DialPlace, WindowPlace
from ocrbook.meters.positions import find_positions
from ocrbook.meters.profile import Profile
from ocrbook.meters.reading import Reading
from ocrbook.meters.windows import read_window

__all__ = [
    "DialPlace",
    "Found",
    "History",
    "Profile",
    "Reading",
    "WindowPlace",
    "find_positions",
    "find_windows",
    "read_dial",
    "read_digit",
    "read_photo",
    "read_window",
    "resolve",
]

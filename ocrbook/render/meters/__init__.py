"""Drawing meters with their truth: counters, displays, dials, and whole photographs."""

from ocrbook.render.meters.dials import HELD_OUT_NEEDLES, NEEDLES, Dial, draw_dial, seen_dial
from ocrbook.render.meters.displays import BLANK, MINUS, DisplayStyle, display_style, draw_display
from ocrbook.render.meters.drums import counter_positions, draw_drums, drum_positions
from ocrbook.render.meters.faces import Face, held_out_faces, invented_face, training_faces, typeface
from ocrbook.render.meters.photos import Photo, render_photo
from ocrbook.render.meters.plates import METER_FACES, METER_STYLES, Meter, render_meter
from ocrbook.render.meters.scene import ARRIVED, Window, photograph, seen
from ocrbook.render.meters.strips import draw_strip

__all__ = [
    "ARRIVED",
    "BLANK",
    "HELD_OUT_NEEDLES",
    "METER_FACES",
    "METER_STYLES",
    "MINUS",
    "NEEDLES",
    "Dial",
    "DisplayStyle",
    "Face",
    "Meter",
    "Photo",
    "Window",
    "counter_positions",
    "display_style",
    "draw_dial",
    "draw_display",
    "draw_drums",
    "draw_strip",
    "drum_positions",
    "held_out_faces",
    "invented_face",
    "photograph",
    "render_meter",
    "render_photo",
    "seen",
    "seen_dial",
    "training_faces",
    "typeface",
]

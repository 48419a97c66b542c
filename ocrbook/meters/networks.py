"""The networks that read meters. Each is small enough to read a crop in a millisecond on one core."""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional

from ocrbook.train.networks import ConvUnit


class DigitNet(nn.Layer):
    """One position of a meter: float32 (B, 3, 48, 32) in, logits (B, classes) out."""

    def __init__(self, classes: int, width: int = 24, dropout: float = 0.1) -> None:
        super().__init__()
        self.features = nn.Sequential(
            ConvUnit(3, width, stride=2),
            ConvUnit(width, 2 * width, stride=2),
            ConvUnit(2 * width, 2 * width),
            ConvUnit(2 * width, 3 * width, stride=2),
            ConvUnit(3 * width, 3 * width),
            ConvUnit(3 * width, 3 * width),
        )
        self.head = nn.Sequential(
            nn.Flatten(), nn.Dropout(dropout), nn.Linear(6 * 4 * 3 * width, 96), nn.Hardswish(), nn.Linear(96, classes)
        )

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        """Logits."""
        return self.head(self.features(images))


class DialNet(nn.Layer):
    """A pointer dial: float32 (B, 3, 64, 64) in, logits (B, 100) of the needle's turn in hundredths out."""

    def __init__(self, width: int = 16, dropout: float = 0.1) -> None:
        super().__init__()
        self.features = nn.Sequential(
            ConvUnit(3, width, stride=2),
            ConvUnit(width, 2 * width, stride=2),
            ConvUnit(2 * width, 2 * width),
            ConvUnit(2 * width, 3 * width, stride=2),
            ConvUnit(3 * width, 3 * width),
            ConvUnit(3 * width, 4 * width, stride=2),
            ConvUnit(4 * width, 4 * width),
        )
        self.head = nn.Sequential(
            nn.Flatten(), nn.Dropout(dropout), nn.Linear(4 * 4 * 4 * width, 96), nn.Hardswish(), nn.Linear(96, 100)
        )

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        """Logits."""
        return self.head(self.features(images))


class PositionNet(nn.Layer):
    """The positions in a window: float32 (B, 3, 48, W) in, (B, 5, W / 4) out; W a multiple of 4.

    The channels, for each column of four pixels: the logit of a position's middle, its width and its height as
    logarithms of their ratio to 48 pixels, how far its middle lies below the middle of the input, in 48 pixels, and
    the logit of a display's position, not a drum.
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.features = nn.Sequential(
            ConvUnit(3, width, stride=2),
            ConvUnit(width, 2 * width, stride=2),
            ConvUnit(2 * width, 2 * width),
            ConvUnit(2 * width, 3 * width, stride=(2, 1)),
            ConvUnit(3 * width, 3 * width),
            ConvUnit(3 * width, 4 * width, (6, 3), (6, 1)),
        )
        self.context = nn.Sequential(*(ConvUnit(4 * width, 4 * width, (1, reach)) for reach in (7, 9, 15)))
        self.head = nn.Conv1D(4 * width, 5, 1)

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        """Maps over the columns."""
        return self.head(self.context(self.features(images)).mean(axis=2))


def _enlarged(images: paddle.Tensor, times: int = 2) -> paddle.Tensor:
    """Each pixel as a block of `times` x `times`, in operations that ONNX exporters know."""
    rows = paddle.stack([images] * times, axis=3).flatten(2, 3)
    return paddle.stack([rows] * times, axis=4).flatten(3, 4)


def _contrast(images: paddle.Tensor) -> paddle.Tensor:
    """As `ocrbook.train.networks.local_contrast`, with surroundings of 20 pixels in blocks of 4: much faster."""
    gray = images.mean(axis=1, keepdim=True)
    around = functional.avg_pool2d(functional.avg_pool2d(gray, 4, 4), 5, 1, 2)
    above = gray - _enlarged(around, 4)
    return paddle.concat([gray, above, above.abs()], axis=1)


class WindowNet(nn.Layer):
    """The windows of meters in a photograph: float32 (B, 3, H, W) in, (B, 10, H / 4, W / 4) out; multiples of 32.

    The channels, for each block of 4 x 4 pixels: the logits of "inside the window of a counter" and "of a display";
    and from the block's middle to the window's corners, x and y of each, clockwise from the top left, in 64 pixels.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        sizes = (width, 2 * width, 3 * width, 4 * width, 5 * width)
        self.stages = nn.LayerList(
            nn.Sequential(ConvUnit(a, b, stride=2), *(ConvUnit(b, b) for _ in range(more)))
            for a, b, more in zip((6, *sizes[:-1]), sizes, (0, 0, 1, 1, 3), strict=True)  # to see 300 pixels around
        )
        neck = sizes[1]
        self.lateral = nn.LayerList(nn.Conv2D(size, neck, 1) for size in sizes[2:])
        self.smooth = nn.LayerList(ConvUnit(neck, neck) for _ in range(2))
        self.head = nn.Conv2D(neck, 10, 1)

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        """Maps of logits and offsets."""
        images = self.stages[0](paddle.concat([images, _contrast(images)], axis=1))
        fine = images = self.stages[1](images)
        levels = []
        for index, lateral in enumerate(self.lateral):
            images = self.stages[index + 2](images)
            levels.append(lateral(images))
        eighth, sixteenth, top = levels
        top = self.smooth[0](eighth + _enlarged(sixteenth + _enlarged(top)))
        return self.head(self.smooth[1](fine + _enlarged(top)))

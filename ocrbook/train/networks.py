"""Small networks that a laptop trains in two minutes."""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional


class ConvUnit(nn.Sequential):
    """Convolution, batch normalisation, Hardswish."""

    def __init__(self, channels: int, out: int, kernel=3, stride=1) -> None:
        size = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        super().__init__(
            nn.Conv2D(channels, out, size, stride, [side // 2 for side in size], bias_attr=False),
            nn.BatchNorm2D(out),
            nn.Hardswish(),
        )


def standardize(images: paddle.Tensor) -> paddle.Tensor:
    """Leave shape, and take away colour and light: float32 (B, 3, H, W) in and out.

    The channels of the result are the gray image with mean 0 and deviation 1, its absolute value, which is the same
    for dark ink on light paper and for light on dark, and a mask that is 0 on the zeros to the right of the image.
    """
    gray = images.mean(axis=1, keepdim=True)
    mask = (images.abs().sum(axis=1, keepdim=True) > 0).astype("float32")
    count = mask.sum(axis=[2, 3], keepdim=True) + 1e-6
    centred = (gray - gray.sum(axis=[2, 3], keepdim=True) / count) * mask
    deviation = ((centred * centred).sum(axis=[2, 3], keepdim=True) / count + 1e-4).sqrt()
    gray = centred / deviation
    return paddle.concat([gray, gray.abs(), mask], axis=1)


class TextRecognizer(nn.Layer):
    """A convolutional CTC recogniser of about 0.2 million parameters.

    Input float32 (B, 3, 32, W), output logits float32 (B, W / 4, classes); class 0 is the blank.
    """

    height = 32
    pixels_per_step = 4

    def __init__(self, classes: int, width: int = 24) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            ConvUnit(3, width, stride=2),
            ConvUnit(width, 2 * width, stride=2),
            ConvUnit(2 * width, 2 * width, stride=(2, 1)),
            ConvUnit(2 * width, 3 * width, stride=(2, 1)),
            ConvUnit(3 * width, 4 * width, (2, 3), (2, 1)),
        )
        self.context = nn.Sequential(ConvUnit(4 * width, 4 * width, (1, 5)), ConvUnit(4 * width, 4 * width, (1, 5)))
        self.head = nn.Linear(4 * width, classes)

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        """Logits of each time step."""
        features = self.context(self.encoder(standardize(images)))
        return self.head(features.mean(axis=2).transpose([0, 2, 1]))


def local_contrast(images: paddle.Tensor, reach: int = 17) -> paddle.Tensor:
    """Gray, gray minus the mean of its surroundings of `reach` pixels, and the absolute value of that, which does not
    tell dark ink from light. float32 (B, 3, H, W) in and out."""
    gray = images.mean(axis=1, keepdim=True)
    half = reach // 2
    around = functional.avg_pool2d(gray, (1, reach), 1, (0, half), exclusive=False)
    around = functional.avg_pool2d(around, (reach, 1), 1, (half, 0), exclusive=False)
    above = gray - around
    return paddle.concat([gray, above, above.abs()], axis=1)


class _Double(nn.Conv2DTranspose):
    """Each pixel becomes a block of 2 x 2: a nearest-neighbour enlargement that ONNX exporters know."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 2, 2, groups=channels, bias_attr=False)
        self.weight.set_value(paddle.ones_like(self.weight))
        self.weight.stop_gradient = True


class TextDetector(nn.Layer):
    """A DB detector of about 0.1 million parameters (Liao et al., 2020).

    Input float32 (B, 3, H, W), H and W multiples of 32. In training the output is (B, 2, H, W): probability and
    threshold; in evaluation (B, 1, H, W): the probability.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        sizes = (width, 2 * width, 3 * width, 4 * width)
        self.stages = nn.LayerList(
            [
                ConvUnit(3, sizes[0], stride=2),
                ConvUnit(sizes[0], sizes[1], stride=2),
                nn.Sequential(ConvUnit(sizes[1], sizes[2], stride=2), ConvUnit(sizes[2], sizes[2])),
                nn.Sequential(ConvUnit(sizes[2], sizes[3], stride=2), ConvUnit(sizes[3], sizes[3])),
            ]
        )
        neck = 3 * width // 2
        self.lateral = nn.LayerList(nn.Conv2D(size, neck, 1) for size in sizes[1:])
        self.enlarge = nn.LayerList(_Double(neck) for _ in sizes[2:])
        self.smooth = ConvUnit(neck, neck)
        self.probability = self._head(neck)
        self.threshold = self._head(neck)

    @staticmethod
    def _head(channels: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2DTranspose(channels, channels // 2, 2, 2, bias_attr=False),
            nn.BatchNorm2D(channels // 2),
            nn.Hardswish(),
            nn.Conv2DTranspose(channels // 2, 1, 2, 2),
        )

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        """Maps between 0 and 1."""
        levels = []
        images = local_contrast(images)
        for stage in self.stages:
            images = stage(images)
            levels.append(images)
        top = self.lateral[-1](levels[-1])
        for index in range(len(self.enlarge) - 1, -1, -1):
            top = self.enlarge[index](top) + self.lateral[index](levels[index + 1])
        features = self.smooth(top)
        probability = functional.sigmoid(self.probability(features))
        if not self.training:
            return probability
        return paddle.concat([probability, functional.sigmoid(self.threshold(features))], axis=1)

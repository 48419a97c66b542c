"""What is sent to the service and what it answers. `/ocr` speaks as PaddleX serving does."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

WHITE = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAADklEQVR4nGP4DwUMlDEA98A/wbI0QbsAAAAASUVORK5CYII="
"""A white image of 8 x 8 pixels."""


class FileRequest(BaseModel):
    """A file, and nothing that is not known."""

    model_config = ConfigDict(extra="forbid", strict=True)

    file: str = Field(
        min_length=1,
        description="An image as base64: JPEG, PNG, BMP or WebP.",
        json_schema_extra={"contentEncoding": "base64"},
        examples=[WHITE],
    )


class OcrRequest(FileRequest):
    """A page to be read."""

    fileType: Literal[1] = Field(1, description="1 for an image. PDF files (0) are not read.")
    textDetThresh: float | None = Field(None, ge=0, le=1, description="From which probability a pixel is text.")
    textDetBoxThresh: float | None = Field(None, ge=0, le=1, description="Mean probability of a line.")
    textDetUnclipRatio: float | None = Field(None, ge=1, le=4, description="How far a line is grown.")
    textRecScoreThresh: float | None = Field(None, ge=0, le=1, description="The score a line must have.")


class MeterRequest(FileRequest):
    """A meter to be read."""

    part: Literal["photo", "window", "digit"] = Field("photo", description="What the image shows.")
    kind: Literal["drum", "lcd"] = Field("drum", description="Of a window or a digit.")
    digits: int | None = Field(None, ge=1, le=12, description="How many positions a window has.")
    decimals: int = Field(0, ge=0, le=12, description="How many of them are decimals.")


class Answer(BaseModel):
    """What every answer has."""

    logId: str = Field(description="The number of the request, for the log.")
    errorCode: int = Field(description="0, or the status of HTTP.")
    errorMsg: str = Field(description='"Success", or what was wrong, in one line.')


class OcrAnswer(Answer):
    """`result.ocrResults[0].prunedResult` has rec_texts, rec_scores, rec_polys and more."""

    result: dict[str, Any]


class MeterAnswer(Answer):
    """`result` has text, value, confidence, accepted, reason, place and parts."""

    result: dict[str, Any]

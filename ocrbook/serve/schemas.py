"""What is sent to the service and what it answers. `/ocr` speaks as PaddleX serving does."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

WHITE = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAADklEQVR4nGP4DwUMlDEA98A/wbI0QbsAAAAASUVORK5CYII="
"""A white image of 8 x 8 pixels."""


def _one(value: Any) -> Any:
    """A whole number: in Python, true and 1.0 equal 1, too. None is what most clients mean, an image."""
    if value is not None and type(value) is not int:
        raise PydanticCustomError("one", "Input should be 1")
    return 1 if value is None else value


def _not_asked_for(value: bool) -> bool:
    if value:
        raise PydanticCustomError("not_asked_for", "this service doesn't do that; send false, or leave it out")
    return value


Never = Annotated[bool, AfterValidator(_not_asked_for), Field(json_schema_extra={"const": False})]
"""What PaddleX serving can be asked for and this service does not do: it may be said that it is not wanted."""


class FileRequest(BaseModel):
    """A file, and nothing that is not known."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    file: str = Field(
        min_length=1,
        description="An image as base64: JPEG, PNG, BMP or WebP.",
        json_schema_extra={"contentEncoding": "base64"},
        examples=[WHITE],
    )
    logId: str | None = Field(None, max_length=200, description="A number of your own; the answer has it, too.")


class OcrRequest(FileRequest):
    """A page to be read. What PaddleX's clients send besides is taken where it asks for what is done anyway."""

    fileType: Annotated[Literal[1] | None, BeforeValidator(_one)] = Field(
        1, description="1 for an image. PDF files (0) are not read."
    )
    useDocOrientationClassify: Never | None = Field(None, description="Pages are not turned.")
    useDocUnwarping: Never | None = Field(None, description="Pages are not flattened.")
    useTextlineOrientation: Never | None = Field(None, description="Lines are not turned.")
    visualize: Never | None = Field(None, description="No pictures are drawn.")
    textDetLimitSideLen: int | None = Field(None, ge=32, le=4000, description="To which pixels a page is scaled.")
    textDetLimitType: Literal["min", "max"] | None = Field(None, description="Which side is meant by that.")
    textDetThresh: float | None = Field(None, ge=0, le=1, description="From which probability a pixel is text.")
    textDetBoxThresh: float | None = Field(None, ge=0, le=1, description="Mean probability of a line.")
    textDetUnclipRatio: float | None = Field(None, ge=1, le=4, description="How far a line is grown.")
    textRecScoreThresh: float | None = Field(None, ge=0, le=1, description="The score a line must have.")
    returnWordBox: bool | None = Field(None, description="Whether words have boxes of their own.")


class MeterRequest(FileRequest):
    """A meter to be read."""

    part: Literal["photo", "window", "digit"] = Field("photo", description="What the image shows.")
    kind: Literal["drum", "lcd"] = Field("drum", description="Of a window or a digit.")
    digits: int | None = Field(None, ge=1, le=12, description="How many positions a window has.")
    decimals: int = Field(0, ge=0, le=12, description="How many of them are decimals.")


class Answer(BaseModel):
    """What every answer has."""

    logId: str = Field(description="The number of the request, for the log; or the one that was sent with it.")
    errorCode: int = Field(description="0, or the status of HTTP.")
    errorMsg: str = Field(description='"Success", or what was wrong, in one line.')


class OcrAnswer(Answer):
    """`result.ocrResults[0].prunedResult` has rec_texts, rec_scores, rec_polys and more."""

    result: dict[str, Any]


class MeterAnswer(Answer):
    """`result` has text, value, confidence, accepted, reason, place and parts."""

    result: dict[str, Any]

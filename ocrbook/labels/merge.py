"""Two people have labelled the same images: where do they agree, and what is left to decide?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ocrbook.labels.ppocrlabel import Label
from ocrbook.labels.project import Project
from ocrbook.metrics import cer, match
from ocrbook.page import Page


@dataclass(frozen=True)
class Agreement:
    """Counts over one image or many; they can be added.

    Attributes
    ----------
    first, second : int
        Labels of each person.
    paired : int
        Labels of one that lie on a label of the other.
    equal : int
        Pairs with the same text and KIE class.
    texts : tuple of (str, str)
        Texts of all pairs.
    """

    first: int = 0
    second: int = 0
    paired: int = 0
    equal: int = 0
    texts: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(
            self.first + other.first,
            self.second + other.second,
            self.paired + other.paired,
            self.equal + other.equal,
            self.texts + other.texts,
        )

    @property
    def boxes(self) -> float:
        """Share of labels that both have drawn: 2 pairs / (first + second); 1 where neither has drawn any."""
        return 2 * self.paired / (self.first + self.second) if self.first + self.second else 1.0

    @property
    def text(self) -> float:
        """Share of pairs that say the same; 1 without pairs."""
        return self.equal / self.paired if self.paired else 1.0

    @property
    def character_error_rate(self) -> float:
        """Edits between the texts of the pairs, over the characters of the first; 0 without characters."""
        texts = [pair for pair in self.texts if pair[0]]
        return cer(*zip(*texts, strict=True)) if texts else 0.0


@dataclass
class Merged:
    """Labels of one image that two people agree on, and the others in pairs; None where one has drawn nothing."""

    agreed: list[Label]
    disputed: list[tuple[Label | None, Label | None]]
    agreement: Agreement


def merge(first: Sequence[Label], second: Sequence[Label], *, threshold: float = 0.5) -> Merged:
    """Compare the labels of one image. Of labels that agree, with an IoU of at least `threshold`, the first stays."""
    pairs = match(Page(lines=list(first)), Page(lines=list(second)), threshold)
    same = [(i, j) for i, j in pairs if _meaning(first[i]) == _meaning(second[j])]
    disputed: list[tuple[Label | None, Label | None]] = [(first[i], second[j]) for i, j in pairs if (i, j) not in same]
    disputed += [(label, None) for i, label in enumerate(first) if i not in {i for i, _ in pairs}]
    disputed += [(None, label) for j, label in enumerate(second) if j not in {j for _, j in pairs}]
    texts = tuple((first[i].text, second[j].text) for i, j in pairs)
    counts = Agreement(len(first), len(second), len(pairs), len(same), texts)
    return Merged([first[i] for i, _ in same], disputed, counts)


def merge_projects(first: Project, second: Project, into: Project, *, threshold: float = 0.5) -> Agreement:
    """Merge what both have confirmed into a third project, which must have the same images.

    Images without a dispute are confirmed there. Of the others, the agreed labels and the first person's version of
    the disputed ones (the second's where the first has none) become a proposal, and a flag says what is disputed.
    Images that only one has confirmed become a proposal, too.

    Raises
    ------
    ValueError
        If an image that one of them has confirmed is missing in `into`.
    """
    total = Agreement()
    for name in dict.fromkeys([*first.images, *second.images]):
        versions = [each.labels(name) for each in (first, second) if _is_confirmed(each, name)]
        if not versions:
            continue
        if name not in into.images:
            raise ValueError(f"no image {name} in {into.folder}")
        if len(versions) == 1:
            into.propose(name, versions[0])
            into.flag(name, "labelled by one person only")
            continue
        merged = merge(*versions, threshold=threshold)
        total += merged.agreement
        if merged.disputed:
            into.propose(name, merged.agreed + [a or b for a, b in merged.disputed if a or b])
            into.flag(name, "; ".join(map(_describe, merged.disputed)))
        else:
            into.confirm(name, merged.agreed)
    return total


def _meaning(label: Label) -> tuple[str, str | None]:
    return label.text, label.key_cls


def _is_confirmed(project: Project, name: str) -> bool:
    return name in project.images and project.state(name) == "confirmed"


def _describe(pair: tuple[Label | None, Label | None]) -> str:
    return " / ".join("nothing" if label is None else repr(label.text) for label in pair)

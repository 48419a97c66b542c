"""Two people have labelled the same images: where do they agree, and what is left to decide?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ocrbook.labels.ppocrlabel import Label
from ocrbook.labels.project import Project
from ocrbook.metrics import cer, match
from ocrbook.names import Names
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

    Examples
    --------
    >>> both = Agreement(first=4, second=4, paired=3, equal=2) + Agreement(first=1, second=1, paired=1, equal=1)
    >>> both.boxes, both.text
    (0.8, 0.75)
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
        """Edits between the texts of the pairs, over the characters of the first; pairs whose first is empty are left
        out, and without any other it is 0."""
        texts = [pair for pair in self.texts if pair[0]]
        return cer(*zip(*texts, strict=True)) if texts else 0.0


@dataclass
class Merged:
    """Labels of one image that two people agree on, and the others in pairs; None where one has drawn nothing.

    >>> merge([], []).agreed
    []
    """

    agreed: list[Label]
    disputed: list[tuple[Label | None, Label | None]]
    agreement: Agreement


def merge(first: Sequence[Label], second: Sequence[Label], *, threshold: float = 0.5) -> Merged:
    """Compare the labels of one image. Of labels that agree, with an IoU of at least `threshold`, the first stays.

    >>> box = [[0, 0], [9, 0], [9, 5], [0, 5]]
    >>> merged = merge([Label(box, "7")], [Label(box, "1")])
    >>> [(one.text, other.text) for one, other in merged.disputed]
    [('7', '1')]
    """
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
    Images that only one has confirmed become a proposal, too. Names may be spelled as on different systems.

    Raises
    ------
    ValueError
        If an image that one of them has confirmed is missing in `into`; nothing is changed there then.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> projects = []
    >>> for _ in range(3):
    ...     folder = Path(tempfile.mkdtemp())
    ...     (folder / "a.png").touch()
    ...     projects.append(Project.open(folder))
    >>> for person in projects[:2]:
    ...     person.confirm("a.png", [Label([[0, 0], [9, 0], [9, 5], [0, 5]], "7")])
    >>> merge_projects(*projects).boxes, projects[2].state("a.png")
    (1.0, 'confirmed')
    >>> for project in projects:
    ...     project.close()
    """
    known = Names(into.images)
    wanted: dict[str, dict[int, list[Label]]] = {name: {} for name in into.images}
    for number, project in enumerate((first, second)):
        for name in project.images:
            if project.state(name) == "confirmed":
                target = known.match(name)
                if target is None or number in wanted[target]:
                    raise ValueError(f"no image {name} in {into.folder}")
                wanted[target][number] = project.labels(name)
    total = Agreement()
    for name, by in wanted.items():
        versions = list(by.values())
        if not versions:
            continue
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


def _describe(pair: tuple[Label | None, Label | None]) -> str:
    return " / ".join("nothing" if label is None else repr(label.text) for label in pair)

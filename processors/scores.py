"""Counting right and wrong labels: F1 over items, F1 averaged over labels. Pure; used by the quality floors."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet


class Tally:
    """Right, wrong and missing items, summed over texts."""

    def __init__(self) -> None:
        self.right = 0
        self.wrong = 0
        self.missing = 0

    def add(self, found: Iterable[object], expected: Iterable[object]) -> None:
        """Count one text; an item is right if it is equal to an expected one."""
        got, wanted = set(found), set(expected)
        self.right += len(got & wanted)
        self.wrong += len(got - wanted)
        self.missing += len(wanted - got)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0 to 1; 0 where nothing was found or expected."""
        return 2 * self.right / max(1, 2 * self.right + self.wrong + self.missing)


def macro_f1(found: Sequence[AbstractSet[str]], expected: Sequence[AbstractSet[str]]) -> float:
    """The mean F1 over the labels that occur in the expected sets.

    Raises:
        ValueError: no label is expected, or the sequences differ in length.
    """
    labels = sorted({label for wanted in expected for label in wanted})
    if not labels:
        raise ValueError("no expected label")
    total = 0.0
    for label in labels:
        tally = Tally()
        for got, wanted in zip(found, expected, strict=True):
            tally.add(got & {label}, wanted & {label})
        total += tally.f1
    return total / len(labels)

"""Fit the topic weights to labelled texts: the shipped weights come out of the shipped items by one command.

    python -m processors.topic_training                     refit lexicons/topic_training_fr.jsonl, rewrite the weights
    python -m processors.topic_training --check             exit 1 if the refitted weights differ from the shipped ones
    python -m processors.topic_training --data F --out F    another set of items, another file

One logistic regression for each code on the mean word vector, L2 penalty 0.1 on weights and bias alike, by Newton's
method in numpy. The lexicon's and the section's share (alpha, beta), the Platt pairs and the thresholds are kept from
the weights there are: they were set on texts with sections, which the items do not have.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np

from processors.models import LanguageModel, load_language_model
from processors.text_normalization import paragraphs, straight_apostrophes
from processors.topic_labels import Vector

PENALTY: Final = 0.1
TOLERANCE: Final = 0.01
"""Largest difference of a weight that --check lets pass: the file holds four decimals."""

MAX_STEPS: Final = 50
SETTLED: Final = 1e-8
"""Largest Newton step that counts as none."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text and the two-digit codes that fit it."""

    title: str
    text: str
    codes: tuple[str, ...]


def read_examples(lines: Iterable[str]) -> list[Example]:
    """Examples from JSON lines {"codes", "title", "text"}."""
    rows = (json.loads(line) for line in lines if line.strip())
    return [Example(row["title"], row["text"], tuple(row["codes"])) for row in rows]


def example_vectors(model: LanguageModel, examples: Sequence[Example], max_chars: int) -> Vector:
    """The mean word vector of each example: (examples, vector width)."""
    vectors = []
    for example in examples:
        parts = [example.title, *(line for _, line in paragraphs(example.text[:max_chars]))]
        readings = model.read([straight_apostrophes(part) for part in parts])
        vectors.append(model.mean_vector([reading.rows for reading in readings]))
    return np.array(vectors)


def logistic_weights(vectors: Vector, truth: Vector, penalty: float = PENALTY) -> Vector:
    """Weights and, last, the bias of one penalised logistic regression.

    Args:
        vectors: (examples, width).
        truth: 1 where the label fits, else 0.
        penalty: Half of it times the squared weights is added to the loss.

    Raises:
        ArithmeticError: Newton's method does not settle.
    """
    design = np.hstack([vectors, np.ones((len(vectors), 1))])
    weights: Vector = np.zeros(design.shape[1])
    for _ in range(MAX_STEPS):
        p = 1.0 / (1.0 + np.exp(-(design @ weights)))
        gradient = design.T @ (p - truth) + penalty * weights
        curvature = (design.T * (p * (1.0 - p))) @ design + penalty * np.eye(design.shape[1])
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step
        if np.abs(step).max() < SETTLED:
            return weights
    raise ArithmeticError("the regression does not settle")


def fitted(model: LanguageModel, examples: Sequence[Example], table: dict[str, Any]) -> dict[str, Any]:
    """The parsed weights file with W and b fitted to the examples.

    Args:
        model: For the word vectors.
        examples: At least one for each code.
        table: The parsed weights file that gives codes and everything that is not fitted.

    Raises:
        ValueError: a code without an example.
    """
    vectors = example_vectors(model, examples, table["max_chars"])
    rows = []
    for code in table["codes"]:
        truth = np.array([float(code in example.codes) for example in examples])
        if not truth.any():
            raise ValueError(f"no example for code {code}")
        rows.append(logistic_weights(vectors, truth))
    weights = np.array(rows)
    return table | {"W": np.round(weights[:, :-1], 4).tolist(), "b": np.round(weights[:, -1], 4).tolist()}


def largest_difference(one: dict[str, Any], other: dict[str, Any]) -> float:
    """The largest difference of a weight or bias between two weights files."""
    return max(float(np.abs(np.array(one[name]) - np.array(other[name])).max()) for name in ("W", "b"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit, then write or check; the exit status."""
    folder = Path(str(files("processors.lexicons")))
    parser = argparse.ArgumentParser(description="Fit the topic weights.")
    parser.add_argument("--data", type=Path, default=folder / "topic_training_fr.jsonl")
    parser.add_argument("--out", type=Path, default=folder / "topic_model_fr.json")
    parser.add_argument("--check", action="store_true", help="compare with the weights there are, write nothing")
    options = parser.parse_args(arguments)
    shipped = json.loads((folder / "topic_model_fr.json").read_text("utf-8"))
    examples = read_examples(options.data.read_text("utf-8").splitlines())
    result = fitted(load_language_model(), examples, shipped)
    if options.check:
        return int(largest_difference(result, shipped) > TOLERANCE)
    options.out.write_text(json.dumps(result, ensure_ascii=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

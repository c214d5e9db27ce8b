import json

import numpy as np
import pytest

from processors.enrich import Tagger
from processors.models import _FOLDER
from processors.topic_training import TOLERANCE, Example, fitted, largest_difference, logistic_weights, read_examples


def test_the_regression_finds_what_separates() -> None:
    vectors = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    weights = logistic_weights(vectors, np.array([1.0, 1.0, 0.0, 0.0]))
    scores = vectors @ weights[:2] + weights[2]
    assert (scores > 0).tolist() == [True, True, False, False]


def test_at_the_solution_the_gradient_is_nothing() -> None:
    vectors, truth = np.eye(3), np.array([1.0, 0.0, 1.0])
    weights = logistic_weights(vectors, truth, 0.5)
    design = np.hstack([vectors, np.ones((3, 1))])
    gradient = design.T @ (1 / (1 + np.exp(-design @ weights)) - truth) + 0.5 * weights
    assert np.abs(gradient).max() < 1e-8


def test_examples_are_read_from_json_lines() -> None:
    lines = ['{"codes": ["15"], "title": "Un match", "text": "La finale."}', "", " "]
    assert read_examples(lines) == [Example("Un match", "La finale.", ("15",))]


def test_a_code_without_an_example_is_an_error(tagger: Tagger) -> None:
    table = {"codes": ["15", "16"], "max_chars": 4000}
    with pytest.raises(ValueError, match="16"):
        fitted(tagger._model, [Example("Un match", "La finale.", ("15",))], table)


@pytest.mark.slow
def test_the_shipped_weights_come_out_of_the_shipped_items(tagger: Tagger) -> None:
    shipped = json.loads(_FOLDER.joinpath("topic_model_fr.json").read_text("utf-8"))
    items = read_examples(_FOLDER.joinpath("topic_training_fr.jsonl").read_text("utf-8").splitlines())
    assert largest_difference(fitted(tagger._model, items, shipped), shipped) < TOLERANCE

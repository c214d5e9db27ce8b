import json

from processors.enrich import Tagger
from processors.inspection import inspect_text

TEXT = "« Nous irons jusqu’au bout », a déclaré Claire Dumont à Lyon.\nMme Dumont préside l’association."


def test_the_keys_are_those_of_the_documentation(tagger: Tagger) -> None:
    found = inspect_text(TEXT, title="Lyon attend", url="https://journal.example/culture/x", tagger=tagger)
    assert list(found) == [
        "language",
        "entities",
        "places",
        "primary_place",
        "topics",
        "keyphrases",
        "quotes",
        "labels_release",
        "versions",
        "problems",
    ]
    assert set(found["language"]) == {"code", "confidence"}
    assert set(found["entities"][0]) == {"name", "kind", "count", "in_title", "mentions"}
    assert {"name", "country", "location"} <= set(found["places"][0])
    assert set(found["topics"][0]) == {"code", "label", "score", "evidence"}


def test_offsets_are_code_points_of_the_given_text(tagger: Tagger) -> None:
    found = inspect_text("\n" + TEXT, tagger=tagger)
    (person,) = [entity for entity in found["entities"] if entity["kind"] == "PER"]
    assert [("\n" + TEXT)[start:end] for start, end in person["mentions"]] == ["Claire Dumont", "Dumont"]


def test_the_result_is_plain_json(tagger: Tagger) -> None:
    found = inspect_text(TEXT, tagger=tagger)
    again = json.loads(json.dumps(found))
    assert again["quotes"] == [{"speaker": "Claire Dumont", "text": "Nous irons jusqu’au bout"}]
    assert again["places"][0]["location"] == {"lat": 45.749, "lon": 4.848}


def test_an_empty_text_is_no_error(tagger: Tagger) -> None:
    assert inspect_text("", tagger=tagger)["entities"] == []

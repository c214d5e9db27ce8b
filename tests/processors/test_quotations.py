import pytest

from processors.quotations import quotations
from schemas.labels import Entities, Entity, Quotes


def people(text: str, *names: str) -> Entities:
    """Entities with each name's places in the text; « X|Y » is X written as Y."""
    detail = []
    for entry in names:
        name, _, words = entry.partition("|")
        written = words or name
        spots = [(i, i + len(written)) for i in range(len(text)) if text.startswith(written, i)]
        detail.append(Entity(name=name, kind="PER", count=len(spots), mentions=tuple(spots)))
    return Entities(detail=tuple(detail))


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("« Il a menti à chaque étape », a affirmé Claire Dumont vendredi.", "Claire Dumont"),
        ("Claire Dumont l’assure : « Il a menti à chaque étape ».", "Claire Dumont"),
        ("Selon Claire Dumont, « il a menti à chaque étape ».", "Claire Dumont"),
        ("Fin. « Il a menti à chaque étape », a écrit M. Claire Dumont hier.", "Claire Dumont"),
        ("Claire Dumont mange. « Il a menti à chaque étape », dit-on.", ""),
        ("Ce projet « attendu depuis bien dix ans » plaît à Claire Dumont.", ""),
    ],
)
def test_the_speaker_stands_beside_a_verb_of_speech(text: str, speaker: str) -> None:
    assert quotations(text, people(text, "Claire Dumont")).speaker == (speaker,)


def test_two_possible_speakers_are_none() -> None:
    text = "« Nous irons jusqu’au bout », ont déclaré Claire Dumont et Paul Roy."
    assert quotations(text, people(text, "Claire Dumont", "Paul Roy")).speaker == ("",)


def test_the_speaker_has_the_full_name() -> None:
    text = "« Nous irons jusqu’au bout », a dit M. Roy."
    assert quotations(text, people(text, "Paul Roy|Roy")) == Quotes(
        speaker=("Paul Roy",), text=("Nous irons jusqu’au bout",)
    )


def test_titles_and_single_words_are_no_quotations() -> None:
    text = "Dans « La Dernière Écluse », le « progrès » et un « vrai défi »."
    assert quotations(text, Entities()) == Quotes()


def test_a_quotation_ends_with_its_paragraph() -> None:
    assert quotations("« Une phrase qui ne finit\npas du tout »", Entities()) == Quotes()

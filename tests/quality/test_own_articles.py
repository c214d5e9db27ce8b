"""Our own short articles: names, places and topics that a reader would mark."""

from processors.scores import Tally

KINDS = {"persons": "PER", "organizations": "ORG", "locations": "LOC"}


def test_entities(labelled, holds):
    tally = Tally()
    for article, labels in labelled:
        found = {(entity.kind, entity.name) for entity in labels.entities.detail if entity.kind != "MISC"}
        tally.add(found, {(kind, name) for field, kind in KINDS.items() for name in article[field]})
    holds("own.entities.f1", tally.f1)


def test_persons_are_never_split_or_merged(labelled):
    found = {article["id"]: set(labels.entities.person) for article, labels in labelled}
    assert found == {article["id"]: set(article["persons"]) for article, _ in labelled}


def test_places(labelled, holds):
    right = total = 0
    for article, labels in labelled:
        places = {place.name: place for place in labels.places.detail}
        for name, country in article["places"].items():
            total += 1
            right += name in places and places[name].country == country and places[name].location is not None
    holds("own.places.right", right / total)


def test_primary_place(labelled, holds):
    judged = [(article, labels) for article, labels in labelled if article["primary"]]
    right = sum(labels.primary_place == article["primary"] for article, labels in judged)
    holds("own.primary_place.right", right / len(judged))


def test_topics(labelled, holds):
    right = sum(labels.topics.code[0][7:9] in article["topics"] for article, labels in labelled)
    holds("own.topics.top1", right / len(labelled))

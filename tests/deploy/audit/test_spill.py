"""Facts go to disk and come back, key by key, in their order."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.audit.facts import FACT, Fact, Kind
from deploy.audit.spill import FACTS_IN_A_BUCKET, Spill, bucket_count
from deploy.errors import UserError

KEYS = st.sampled_from(
    [bytes(16), bytes([0] * 15 + [1]), b"\xff" * 16, bytes(range(16)), bytes([0] * 7 + [9] + [0] * 8)]
)
FACTS = st.builds(
    Fact,
    KEYS,
    st.integers(1, 17),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
)


@given(st.lists(FACTS), st.integers(1, 7))
def test_facts_come_back_key_by_key_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, facts: list[Fact], buckets: int
):
    folder = tmp_path_factory.mktemp("spill")
    with Spill(folder, buckets) as spill:
        for fact in facts:
            spill.add(fact)
        groups = list(spill.groups())
        assert spill.facts == len(facts)
    assert {group[0].key: group for group in groups} == {
        key: [fact for fact in facts if fact.key == key] for key in {fact.key for fact in facts}
    }
    assert len(groups) == len({fact.key for fact in facts})
    assert list(folder.iterdir()) == []


def test_many_facts_are_flushed_to_the_bucket_of_their_key(tmp_path: Path):
    keys = [bytes([first]) + bytes(15) for first in range(256)]
    with Spill(tmp_path, 4) as spill:
        for offset in range(40):
            for key in keys:
                spill.add(Fact(key, Kind.READING, offset=offset))
        assert any(file.stat().st_size for file in tmp_path.iterdir())
        groups = list(spill.groups())
        sizes = [file.stat().st_size for file in sorted(tmp_path.iterdir())]
    assert [[fact.offset for fact in group] for group in groups] == [list(range(40))] * 256
    assert [group[0].key for group in groups] == keys
    assert sizes == [64 * 40 * FACT.size] * 4


def test_a_fact_has_48_bytes():
    assert FACT.size == 48


@pytest.mark.parametrize(
    ("facts", "buckets"),
    [(0, 1), (FACTS_IN_A_BUCKET, 1), (FACTS_IN_A_BUCKET + 1, 2), (70_000_000, 140), (10**12, 2048)],
)
def test_buckets_follow_from_the_number_of_facts(facts: int, buckets: int):
    assert bucket_count(facts) == buckets


def test_folder_that_is_gone_is_one_sentence(tmp_path: Path):
    spill = Spill(tmp_path / "gone", 1)
    spill.add(Fact(bytes(16), Kind.READING))
    with pytest.raises(UserError, match=r"cannot be kept in .* \(No such file or directory\): give it a folder"):
        list(spill.groups())

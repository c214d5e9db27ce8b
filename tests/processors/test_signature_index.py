"""The index finds what shares a band, forgets what was removed, and grows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.near_duplicates import PERMUTATIONS, ROWS
from processors.signature_index import LONGEST_CHAIN, SignatureIndex


def signatures(seed: int, count: int):
    """Few different values, so that many share bands and many do not."""
    return np.random.default_rng(seed).integers(0, 12, size=(count, PERMUTATIONS), dtype=np.uint32)


def share_a_band(one, other) -> bool:
    return bool((one == other).reshape(-1, ROWS).all(axis=1).any())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 120), removed=st.sets(st.integers(0, 119)))
def test_everything_that_shares_a_band_is_found_with_its_index(seed, count, removed):
    made = signatures(seed, count + 1)
    index = SignatureIndex(128)
    for number, values in enumerate(made[:-1]):
        assert index.add(values, number) == number
    for row in removed & set(range(count)):
        index.remove(row)
    rows, indices, shingles = index.sharing(made[-1])
    must = {row for row in range(count) if row not in removed and share_a_band(made[row], made[-1])}
    assert must <= set(rows.tolist())
    assert not removed & set(rows.tolist())
    assert indices.tolist() == [np.count_nonzero(made[row] == made[-1]) / PERMUTATIONS for row in rows]
    assert shingles.tolist() == rows.tolist()


def test_it_grows_without_what_was_removed():
    made = signatures(1, 40)
    index = SignatureIndex(40)
    for values in made:
        index.add(values, 7)
    assert index.full
    index.remove(3)
    larger, kept = index.grown()
    assert kept.tolist() == [row for row in range(40) if row != 3]
    assert not larger.full
    rows, indices, _ = larger.sharing(made[5])
    assert indices[rows.tolist().index(4)] == 1.0


def test_a_flood_of_the_same_costs_no_more_than_the_longest_chain():
    index = SignatureIndex(1_024)
    flood = signatures(2, 1)[0]
    for _ in range(3 * LONGEST_CHAIN):
        index.add(flood, 7)
    rows, indices, _ = index.sharing(flood)
    assert rows.tolist() == list(range(2 * LONGEST_CHAIN, 3 * LONGEST_CHAIN))
    assert set(indices.tolist()) == {1.0}


def test_nothing_is_found_in_an_empty_index():
    rows, indices, shingles = SignatureIndex().sharing(signatures(3, 1)[0])
    assert (len(rows), len(indices), len(shingles)) == (0, 0, 0)

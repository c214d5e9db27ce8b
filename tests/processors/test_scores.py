import pytest

from processors.scores import Tally, macro_f1


def test_f1_counts_right_wrong_and_missing() -> None:
    tally = Tally()
    tally.add({"a", "b"}, {"a", "c"})
    tally.add({"d"}, {"d"})
    assert (tally.right, tally.wrong, tally.missing) == (2, 1, 1)
    assert tally.f1 == pytest.approx(2 / 3)


def test_nothing_is_zero() -> None:
    assert Tally().f1 == 0


def test_macro_f1_weighs_rare_labels_like_frequent_ones() -> None:
    assert macro_f1([{"a"}, {"a"}, {"a"}], [{"a"}, {"a"}, {"b"}]) == pytest.approx((0.8 + 0.0) / 2)


def test_no_expected_label_is_an_error() -> None:
    with pytest.raises(ValueError, match="no expected label"):
        macro_f1([set()], [set()])

from tests.support.collection import collected


def test_parameters_have_the_same_order_in_every_process() -> None:
    # pytest-xdist stops where its processes collect another order, as a set's is.
    suite = ("--confcutdir=tests/evaluation", "tests/evaluation")
    first, second = (collected(seed, *suite) for seed in (1, 2))
    assert len(first) > 300
    assert first == second

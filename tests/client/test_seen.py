from streamproc.client.reading import Seen


def test_the_oldest_are_forgotten_first() -> None:
    """Memory is bounded: beyond the capacity the oldest id counts as new again."""
    seen = Seen(capacity=2)
    assert [seen.before(identity) for identity in "abac"] == [False, False, True, False]
    assert seen.before("c")
    assert not seen.before("a")
    assert len(seen._ids) == 2

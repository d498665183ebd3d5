from update_factory import story, update

from streamproc.client.model_states import VERSIONS, ModelStates


def _told(*updates: object) -> ModelStates:
    lives = ModelStates()
    for each in updates:
        lives.apply(each)  # type: ignore[arg-type]
    return lives


def test_the_version_that_answers_is_the_one_told_last() -> None:
    """After a promotion and a rollback the first version answers, with what it had learned."""
    [life] = _told(*story())
    assert life.serving == 1
    assert life.answering is not None
    assert life.answering.last.learned == 100
    assert life.step is not None
    assert (life.step.step, life.step.cause) == ("rolled_back", "ops#4")


def test_a_challenger_does_not_answer() -> None:
    """What learns in the shadow changes nothing for who predicts, until it is promoted."""
    [life] = _told(*story()[:3])
    assert life.serving == 1
    assert set(life.versions) == {1, 2, 3}


def test_a_retired_challenger_is_forgotten() -> None:
    """Versions that were given up are listed no more."""
    [life] = _told(*story())
    assert set(life.versions) == {1, 2}


def test_parameters_stay_known_when_an_update_leaves_them_out() -> None:
    """A step that tells no parameters leaves those that were told before in force."""
    plain = update("u1", parameters={"form": "linear", "weights": {}, "intercept": 0.0})
    [life] = _told(plain, update("u2", step="rolled_back"))
    assert life.answering is not None
    assert life.answering.plain == plain


def test_memory_is_bounded_over_a_long_life() -> None:
    """Of a hundred versions the last ones are known, and the one that answers."""
    updates = [update(f"u{n}", step="challenger", version=n, serving=1) for n in range(100)]
    [life] = _told(update("u"), *updates)
    assert len(life.versions) <= VERSIONS + 1
    assert {1, 99} <= set(life.versions)


def test_segments_are_models_of_their_own() -> None:
    """An event is answered by the model of its tags; one without the tag by that of none."""
    lives = _told(
        update("a", segment={"shop": "7"}, learned=7),
        update("b", segment={"shop": "8"}, learned=8),
        update("c", segment={"shop": ""}, learned=9),
    )
    for tags, learned in [({"shop": "7", "x": "y"}, 7), ({"shop": "8"}, 8), ({}, 9), (None, 9)]:
        life = lives.get("fraud", tags)
        assert life is not None
        assert life.answering is not None
        assert life.answering.last.learned == learned
    assert lives.get("fraud", {"shop": "9"}) is None
    assert lives.get("other") is None

from hypothesis import given
from hypothesis import strategies as st

from streamproc.decode.event_schema import EventSchema
from streamproc.decode.first_schema import FirstSchemas
from streamproc.decode.schema_growth import Growth
from streamproc.decode.structs import MAX_CLASSES

LIMIT = 3

values = st.one_of(
    st.none(), st.booleans(), st.floats(allow_nan=False), st.text(max_size=2), st.just([1.0])
)
events = st.tuples(
    st.dictionaries(st.sampled_from("abcde"), values, max_size=5),
    st.one_of(
        st.none(),
        st.floats(allow_nan=False),
        st.sampled_from(["yes", "no"]),
        st.dictionaries(st.sampled_from("xyz"), st.floats(0, 1), max_size=3),
    ),
)


@given(st.lists(events, max_size=20))
def test_the_schema_of_a_first_event_does_not_depend_on_the_models_before(
    firsts: list[tuple[dict[str, object], object]],
) -> None:
    """A schema that is remembered is the one that the event alone would have."""
    schemas = FirstSchemas(LIMIT)
    for features, prediction in firsts:
        growth = Growth(EventSchema(), LIMIT, MAX_CLASSES)
        news = growth.news(features, prediction)
        if news is not None:
            growth.add(news)

        assert schemas.of(features, prediction) == (news, growth.shape())

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from streamproc.driver.offsets import InFlight


@dataclass(eq=False)
class Message:
    """A slice in flight: from `first` to `last`."""

    first: int
    last: int
    acked: bool = False


@st.composite
def deliveries(draw: st.DrawFn) -> list[Message]:
    """Draw slices of a partition in order, with gaps between them."""
    gaps = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50)), max_size=15))
    end, found = 0, []
    for gap, length in gaps:
        found.append(Message(end + gap, end + gap + length))
        end += gap + length + 1
    return found


@given(deliveries(), st.data())
def test_commit_is_never_past_a_slice_in_flight(
    messages: list[Message], data: st.DataObject
) -> None:
    """In any order of delivery, acknowledgement and commit, all before the commit was handled."""
    begin = data.draw(st.none() | st.just(messages[0].first if messages else 7))
    queue, delivered, last_seen = InFlight(begin), 0, 0
    while delivered < len(messages) or not all(m.acked for m in messages):
        open_ones = [m for m in messages[:delivered] if not m.acked]
        steps = ["deliver"] * (delivered < len(messages)) + ["ack"] * bool(open_ones)
        if data.draw(st.sampled_from(steps)) == "deliver":
            queue.add(messages[delivered], messages[delivered].last)
            delivered += 1
        else:
            data.draw(st.sampled_from(open_ones)).acked = True
        if data.draw(st.booleans()):
            commit = queue.committable() or 0
            assert commit >= (begin or 0)
            in_flight = [m.first for m in messages[:delivered] if not m.acked]
            assert commit <= min(in_flight, default=commit)
            assert commit <= (messages[delivered - 1].last + 1 if delivered else begin or 0)
            assert commit >= last_seen
            last_seen = commit
    assert queue.committable() == (messages[-1].last + 1 if messages else begin)
    assert len(queue) == 0


@given(deliveries().filter(bool), st.data())
def test_commit_reaches_the_slice_in_flight(messages: list[Message], data: st.DataObject) -> None:
    """With one slice in flight, whatever the gaps, all before it is committed, and no more."""
    stuck = data.draw(st.sampled_from(range(len(messages))))
    queue = InFlight()
    for message in messages:
        queue.add(message, message.last)
        message.acked = message is not messages[stuck]
    for _ in range(2):  # asking changes nothing
        assert queue.committable() == (messages[stuck - 1].last + 1 if stuck else None)


def test_handled_slices_are_not_kept_until_a_commit() -> None:
    """Commits are seconds apart; what is done needs no memory until then, stuck slice or not."""
    queue = InFlight()
    queue.add(Message(0, 9), 9)
    for first in range(10, 1000, 10):
        queue.add(Message(first, first + 9, acked=True), first + 9)
        assert len(queue) <= 2

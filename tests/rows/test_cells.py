import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.tabular.cell_types import parse_cell


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("-0.5", -0.5),
        ("+2", 2.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e-3", 0.001),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("true", True),
        ("FALSE", False),
        ("", None),
        ("  ", None),
        ("NA", None),
        ("nan", None),
        ("null", None),
        ("DE", "DE"),
        (" padded ", " padded "),
        ("007", "007"),
        ("1_000", "1_000"),
        ("1,5", "1,5"),
        ("0x10", "0x10"),
        ("٣", "٣"),
        ("None", "None"),
        ("information", "information"),
    ],
)
def test_a_cell_means_what_it_looks_like(text: str, value: object) -> None:
    """Numbers, truth values and missing values are told from text; codes stay text."""
    parsed = parse_cell(text)
    assert parsed == value
    assert type(parsed) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_comes_back(number: float) -> None:
    """A number written by Python reads as the same number, to the last bit."""
    parsed = parse_cell(repr(number))
    assert isinstance(parsed, float)
    assert math.copysign(1, parsed) == math.copysign(1, number)
    assert parsed == number


@given(st.text())
def test_any_text_is_a_value_or_infinite(text: str) -> None:
    """No text breaks the reader: it is a finite value, or refused as infinite."""
    try:
        value = parse_cell(text)
    except ValueError as error:
        assert "infinite" in str(error)  # noqa: PT017
    else:
        assert not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize("text", ["inf", "-Infinity", "1e999", " +INF "])
def test_infinite_numbers_are_refused(text: str) -> None:
    """JSON has no infinity, and text would hide it: it is an error."""
    with pytest.raises(ValueError, match="infinite"):
        parse_cell(text)

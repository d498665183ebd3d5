"""The expressions of rules: their grammar, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.config.expression import ExpressionError, parse
from streamproc.config.expression_nodes import Reference


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("amount < 10 * limit", ["amount", "limit"]),
        ("18 <= age < 99 and not (is_test or country in ('DE', 'FR'))", None),
        ("  tags.channel == 'web'\n or prediction > 0.5", ["tags.channel", "prediction"]),
        ("feature['a-b'] % 2 == 0", ["a-b"]),
        ('prediction["cat"] + prediction["dog"] <= 1', ["prediction:cat", "prediction:dog"]),
        ("active == true and -x > +1e3", ["active", "x"]),
    ],
)
def test_an_expression_names_what_it_reads(text: str, names: list[str] | None) -> None:
    """Features, predictions and tags are known by their names, whatever else is there."""
    expected = ["age", "is_test", "country"] if names is None else names

    assert [str(each) for each in parse(text).references()] == expected


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("amount <", 9, "invalid syntax"),
        ("class > 1", 1, 'write feature["class"] for a feature'),
        ("  x is 1", 8, "`is` is not known"),
        ("f(x) > 2", 1, "is not in the grammar"),
        ("é > 0 and f(x) > 2", 11, "is not in the grammar"),
        ("x > 1 and (lambda: y)", 12, "expected a condition"),
        ("x.y > 1", 1, "is not in the grammar"),
        ("x ** 2 > 1", 1, "is not in the grammar"),
        ("x[0] > 1", 1, "is not in the grammar"),
        ("x + 1", 1, "expected a condition"),
        ("'a' < x", 7, "texts have no order"),
        ("x == 'a' and x > 1", 14, "'x' is used as a text and as a number"),
        ("tags.a > 1", 10, "texts have no order"),
        ("tags.a + 1 > 1", 1, "tags are texts"),
        ("tags > 1", 1, "`tags` needs a name"),
        ("x in y", 6, "expected a list of constants"),
        ("x > 1e999", 5, "expected a finite number"),
        ("x == None", 6, "expected a finite number"),
        ("[y for y in x]", 1, "expected a condition"),
        ("__import__('os').system('ls') == 0", 1, "is not in the grammar"),
    ],
)
def test_what_is_not_in_the_grammar_is_refused_at_its_place(
    text: str, place: int, reason: str
) -> None:
    """A message names the character, from 1, and what is wrong there."""
    with pytest.raises(ExpressionError) as error:
        parse(text)

    assert str(error.value).startswith(f"at character {place}: ")
    assert reason in str(error.value)


@pytest.mark.parametrize("text", ["1 < 2", "'a' == 'b'", "(" * 400 + "x" + ")" * 400, "x\0", ""])
def test_what_cannot_be_judged_is_refused(text: str) -> None:
    """An expression without a name, or that Python's parser gives up on, is an error."""
    with pytest.raises(ExpressionError):
        parse(text)


@given(st.text("abcx<>=!+-*/%()[]'\" .,1e:\n", max_size=40) | st.text(max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Whatever is written as an expression, it is parsed or refused, and never a crash."""
    try:
        found = parse(text).references()
    except ExpressionError:
        return
    assert found
    assert all(isinstance(each, Reference) for each in found)

"""The compiled reading of events that are written plainly: JSON bytes to a matrix, strictly.

It takes less than JSON allows, and nothing that JSON or the contract does not: what it does not
take is read by the decoder, which also says what is wrong with it. Keys and model ids are compared
with known ones byte by byte; other texts are taken in ASCII without escapes; an object with a key
that is given twice, or is not known, is not taken. Numbers become the same bits as by the decoder.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled
from streamproc.core.decimal_kernel import MOST_POWER, nearest

Bytes = NDArray[np.uint8]
Bits = NDArray[np.uint64]
Ints = NDArray[np.int64]

#: Fields of an event, as `fields` of `scan` names them.
MODEL_ID, EVENT_ID, TS, PREDICTION, FEATURES, MODEL_VERSION, TAGS = range(7)
#: Tags are compared with each other; an event with more is not plain.
_MOST_TAGS: Final = 16
#: Comparisons of a key with a known name, for each name: features in any order are found, while
#: thousands in reverse order do not take a quadratic time.
_TRIES: Final = 4
_MOST_DIGITS: Final = 19  # of them every number fits into 64 bits
_MOST_EXPONENT: Final = 999
#: No century between them has no leap day, and their microseconds are whole float64.
_FIRST_YEAR, _LAST_YEAR = 1970, 2099
_NEVER: Final = np.int64(-(1 << 40))

_NAN: Final = np.uint64(0x7FF8_0000_0000_0000)
_UNIT: Final = np.uint64(0x3FF0_0000_0000_0000)  # the bits of 1.0
_SIGN: Final = np.uint64(1 << 63)
_PRIME: Final = np.uint64(0x0000_0100_0000_01B3)  # of FNV-1a
_BASIS: Final = np.uint64(0xCBF2_9CE4_8422_2325)
# Unsigned places: numpy's negative ones would cost a comparison a byte. Place 0 is before every
# event's first value, so it stands for "not plain".
_NO, _ONE, _NINE, _TEN = (np.uint64(n) for n in (0, 1, 9, 10))
_QUOTE, _ESCAPE, _COLON, _COMMA, _OPEN, _CLOSE, _SPACE, _LAST = (
    np.uint8(ord(sign)) for sign in '"\\:,{} \x7f'
)
_MINUS, _PLUS, _POINT, _DIGIT, _EXPONENT, _N, _T, _F = (np.uint8(ord(sign)) for sign in "-+.0entf")
_BIG_T, _BIG_Z = np.uint8(ord("T")), np.uint8(ord("Z"))
_LOWER: Final = np.uint8(0x20)  # makes a letter a small one


@compiled
def _past_blanks(data: Bytes, at: np.uint64) -> np.uint64:
    while data[at] == 32 or data[at] == 10 or data[at] == 13 or data[at] == 9:
        at += _ONE
    return at


@compiled
def _past_colon(data: Bytes, at: np.uint64) -> np.uint64:
    at = _past_blanks(data, at)
    return _past_blanks(data, at + _ONE) if data[at] == _COLON else _NO


@compiled
def _past_text(data: Bytes, at: np.uint64) -> np.uint64:
    """Return the place behind a plain text."""
    if data[at] != _QUOTE:
        return _NO
    at += _ONE
    while data[at] != _QUOTE:
        if data[at] < _SPACE or data[at] > _LAST or data[at] == _ESCAPE:
            return _NO
        at += _ONE
    return at + _ONE


@compiled
def _past_null(data: Bytes, at: np.uint64) -> np.uint64:
    end = at + np.uint64(4)
    return end if _stands(data, at, 117, 108, 108) else _NO


@compiled
def _stands(data: Bytes, at: np.uint64, second: int, third: int, fourth: int) -> bool:
    """Whether these letters follow the one at a place."""
    return bool(
        data[at + _ONE] == second
        and data[at + np.uint64(2)] == third
        and data[at + np.uint64(3)] == fourth
    )


@compiled
def _number(  # noqa: C901  in one loop over its digits
    data: Bytes, at: np.uint64
) -> tuple[np.uint64, np.uint64]:
    """Return the place behind a number, and its bits."""
    negative = data[at] == _MINUS
    if negative:
        at += _ONE
    first, digits, power = at, _NO, np.int64(0)
    digit = np.uint64(data[at]) - np.uint64(_DIGIT)
    if digit > _NINE:
        return _NO, _NO
    if digit == _NO:
        at += _ONE
    else:
        while digit <= _NINE:
            digits = digits * _TEN + digit
            at += _ONE
            digit = np.uint64(data[at]) - np.uint64(_DIGIT)
    seen = np.int64(at - first)
    whole = True
    if data[at] == _POINT:
        whole = False
        at += _ONE
        begin = at
        digit = np.uint64(data[at]) - np.uint64(_DIGIT)
        while digit <= _NINE:
            digits = digits * _TEN + digit
            at += _ONE
            digit = np.uint64(data[at]) - np.uint64(_DIGIT)
        if at == begin:
            return _NO, _NO
        power = -np.int64(at - begin)
        seen -= power
    if seen > _MOST_DIGITS and seen - _leading(data, first) > _MOST_DIGITS:
        return _NO, _NO
    if data[at] | _LOWER == _EXPONENT:
        whole = False
        at, exponent = _exponent(data, at + _ONE)
        power += exponent
        if at == _NO:
            return _NO, _NO
    if power < -MOST_POWER or power > MOST_POWER:
        return _NO, _NO
    bits = nearest(digits, power)
    # as an integer, -0 is 0
    return at, (bits | _SIGN if negative and not (whole and digits == _NO) else bits)


@compiled
def _leading(data: Bytes, at: np.uint64) -> int:
    """Count the zeros that a number begins with."""
    zeros = 0
    while data[at] == _DIGIT or data[at] == _POINT:
        zeros += data[at] == _DIGIT
        at += _ONE
    return zeros


@compiled
def _exponent(data: Bytes, at: np.uint64) -> tuple[np.uint64, np.int64]:
    negative = data[at] == _MINUS
    if negative or data[at] == _PLUS:
        at += _ONE
    begin, exponent = at, np.int64(0)
    digit = np.uint64(data[at]) - np.uint64(_DIGIT)
    while digit <= _NINE:
        if exponent < _MOST_EXPONENT:
            exponent = exponent * 10 + np.int64(digit)
        at += _ONE
        digit = np.uint64(data[at]) - np.uint64(_DIGIT)
    return (_NO if at == begin else at), (-exponent if negative else exponent)


@compiled
def _digits(data: Bytes, at: np.uint64, count: int) -> np.int64:
    """Return a number of so many digits; a negative one where they are not digits."""
    number = np.int64(0)
    for place in range(count):
        digit = np.int64(data[at + np.uint64(place)]) - 48
        if digit < 0 or digit > 9:
            return _NEVER
        number = number * 10 + digit
    return number


@compiled
def _days(year: np.int64, month: np.int64, day: np.int64) -> np.int64:
    """Count the days from 1970-01-01 to a date of the years in which no century is left out."""
    leap = year % 4 == 0
    if month < 1 or month > 12 or day < 1:
        return _NEVER
    last = 31 - (month == 4 or month == 6 or month == 9 or month == 11)  # noqa: PLR1714
    if month == 2:
        last = 28 + leap
    if day > last:
        return _NEVER
    before = (month - 1) * 31 + day - 1
    if month > 2:
        before -= (4 * month + 23) // 10 - leap
    return (year - 1970) * 365 + (year - 1969) // 4 + before


@compiled
def _instant(  # noqa: C901, PLR0911  field by field
    data: Bytes, at: np.uint64
) -> tuple[np.uint64, float]:
    """Return the place behind a text like "2026-01-05T10:00:00.25Z", and seconds since 1970."""
    at += _ONE
    year = _digits(data, at, 4)
    if year < _FIRST_YEAR or year > _LAST_YEAR or data[at + np.uint64(4)] != _MINUS:
        return _NO, 0.0
    month = _digits(data, at + np.uint64(5), 2)
    if month < 0 or data[at + np.uint64(7)] != _MINUS:
        return _NO, 0.0
    day = _digits(data, at + np.uint64(8), 2)
    if day < 0 or data[at + _TEN] != _BIG_T:
        return _NO, 0.0
    hour = _digits(data, at + np.uint64(11), 2)
    if hour < 0 or hour > 23 or data[at + np.uint64(13)] != _COLON:
        return _NO, 0.0
    minute = _digits(data, at + np.uint64(14), 2)
    if minute < 0 or minute > 59 or data[at + np.uint64(16)] != _COLON:
        return _NO, 0.0
    second, days = _digits(data, at + np.uint64(17), 2), _days(year, month, day)
    if second < 0 or second > 59 or days < 0:
        return _NO, 0.0
    at, micros, unit = at + np.uint64(19), np.int64(0), np.int64(1_000_000)
    if data[at] == _POINT:
        at += _ONE
        digit = np.uint64(data[at]) - np.uint64(_DIGIT)
        if digit > _NINE:
            return _NO, 0.0
        while digit <= _NINE and unit > 1:
            unit //= 10
            micros += unit * np.int64(digit)
            at += _ONE
            digit = np.uint64(data[at]) - np.uint64(_DIGIT)
    if data[at] != _BIG_Z or data[at + _ONE] != _QUOTE:
        return _NO, 0.0
    whole = ((days * 24 + hour) * 60 + minute) * 60 + second
    # below 2**53, so that one rounding is all, as in Python
    return at + np.uint64(2), (whole * 1_000_000 + micros) / 1_000_000


@compiled
def _value(data: Bytes, at: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Return the place behind a number or a boolean, and its bits."""
    if data[at] == _T and _stands(data, at, 114, 117, 101):
        return at + np.uint64(4), _UNIT
    if data[at] == _F and _stands(data, at, 97, 108, 115) and data[at + np.uint64(4)] == 101:
        return at + np.uint64(5), _NO
    return _number(data, at)


@compiled
def _named(
    data: Bytes, at: np.uint64, names: Bytes, ends: Bits, guess: int, tries: int
) -> tuple[np.uint64, int, int]:
    """Tell which name stands at a place.

    Returns
    -------
    tuple
        The place behind its quote, which name it is, and how many of `tries` are left.
    """
    count = len(ends)
    if data[at] != _QUOTE or not count:
        return _NO, 0, 0
    at += _ONE
    while tries > 0:
        tries -= 1
        begin = ends[guess - 1] if guess else _NO
        length = ends[guess] - begin
        same = _NO
        while same < length and data[at + same] == names[begin + same]:
            same += _ONE
        if same == length and data[at + same] == _QUOTE:
            return at + same + _ONE, guess, tries
        guess += 1
        if guess == count:
            guess = 0
    return _NO, 0, 0


@compiled
def _features(  # noqa: C901, PLR0911  one way out for each thing that is not plain
    data: Bytes,
    at: np.uint64,
    names: Bytes,
    ends: Bits,
    numbers: int,
    bits: Bits,
    seen: Ints,
    stamp: int,
) -> np.uint64:
    """Read an object of numbers into their columns; return the place behind it."""
    if data[at] != _OPEN:
        return _NO
    at = _past_blanks(data, at + _ONE)
    if data[at] == _CLOSE:
        return at + _ONE
    column, tries = 0, _TRIES * len(ends)
    while True:
        at, column, tries = _named(data, at, names, ends, column, tries)
        if at == _NO or seen[column] == stamp:
            return _NO
        seen[column] = stamp
        at = _past_colon(data, at)
        if at == _NO:
            return _NO
        if data[at] == _N:
            at = _past_null(data, at)
        elif column < numbers:
            at, bits[column] = _value(data, at)
        else:  # a feature that was always null
            return _NO
        if at == _NO:
            return _NO
        at = _past_blanks(data, at)
        if data[at] == _CLOSE:
            return at + _ONE
        if data[at] != _COMMA:
            return _NO
        at = _past_blanks(data, at + _ONE)
        column += 1
        if column == len(ends):
            column = 0


@compiled
def _tags(  # noqa: PLR0911  as above
    data: Bytes, at: np.uint64, firsts: Bits, lasts: Bits
) -> np.uint64:
    """Pass over an object of texts; return the place behind it."""
    if data[at] != _OPEN:
        return _NO
    at = _past_blanks(data, at + _ONE)
    if data[at] == _CLOSE:
        return at + _ONE
    for known in range(len(firsts)):
        firsts[known] = at
        at = _past_text(data, at)
        lasts[known] = at
        if at == _NO or _twice(data, firsts, lasts, known):
            return _NO
        at = _past_colon(data, at)
        if at == _NO:
            return _NO
        at = _past_text(data, at)
        if at == _NO:
            return _NO
        at = _past_blanks(data, at)
        if data[at] == _CLOSE:
            return at + _ONE
        if data[at] != _COMMA:
            return _NO
        at = _past_blanks(data, at + _ONE)
    return _NO


@compiled
def _twice(data: Bytes, firsts: Bits, lasts: Bits, last: int) -> bool:
    """Whether the last key stands among those before it."""
    length = lasts[last] - firsts[last]
    for other in range(last):
        if lasts[other] - firsts[other] == length:
            same = _NO
            while same < length and data[firsts[other] + same] == data[firsts[last] + same]:
                same += _ONE
            if same == length:
                return True
    return False


@compiled
def digest(data: Bytes, at: np.uint64, end: np.uint64) -> np.uint64:
    """Return a number that stands for some bytes."""
    found = _BASIS
    while at < end:
        found = (found ^ np.uint64(data[at])) * _PRIME
        at += _ONE
    return found


@compiled
def digests(data: Bytes, ends: Bits, found: Bits) -> None:
    """Digest each of some texts that lie side by side."""
    begin = _NO
    for each in range(len(ends)):
        found[each] = digest(data, begin, ends[each])
        begin = ends[each]


@compiled
def _model(
    data: Bytes, at: np.uint64, ids: Bytes, ends: Bits, order: Ints, known: Bits
) -> tuple[np.uint64, int]:
    """Return the place behind a model's id, and which of the known ones it is.

    `known` are the digests in ascending order, `order` the models in that order.
    """
    if data[at] != _QUOTE:
        return _NO, 0
    at += _ONE
    begin = at
    while data[at] != _QUOTE:
        if data[at] < _SPACE or data[at] == _ESCAPE:
            return _NO, 0
        at += _ONE
    said, length = digest(data, begin, at), at - begin
    place = np.searchsorted(known, said)
    while place < len(known) and known[place] == said:
        model = order[place]
        first = ends[model - 1] if model else _NO
        if ends[model] - first == length:
            same = _NO
            while same < length and data[begin + same] == ids[first + same]:
                same += _ONE
            if same == length:
                return at + _ONE, model
        place += 1
    return _NO, 0


@compiled
def scan(  # noqa: C901, PLR0912, PLR0913, PLR0915, PLR0917  arrays in, arrays out
    data: Bytes,
    ends: Bits,
    fields: tuple[Bytes, Bits],
    features: tuple[Bytes, Bits, int],
    models: tuple[Bytes, Bits, Ints, Bits],
    required: int,
    bits: Bits,
    ts: Bits,
    rows: Ints,
    named: NDArray[np.bool_],
) -> None:
    """Read each event that is written plainly.

    Parameters
    ----------
    data
        Events, with a zero byte behind each.
    ends
        Places of those zeros.
    fields
        Names of an event's fields, side by side, and their ends.
    features
        Names of its features and their ends; the first so many are numbers, the rest always null.
    models
        Ids and their ends; the places of these in the order of their digests, and those.
    required
        One bit for each field that must be there.
    bits
        (events, columns): the features' numbers, and the prediction, if there is one.
    ts
        (events,): the times, NaN where there is none.
    rows
        (events,): which model, -1 where the event is not plain.
    named
        (events,): whether there is an event_id.
    """
    names, name_ends, numbers = features
    ids, id_ends, order, known = models
    seconds = ts.view(np.float64)
    predicts = bits.shape[1] > numbers
    seen = np.full(len(name_ends), -1, np.int64)
    firsts, lasts = np.empty(_MOST_TAGS, np.uint64), np.empty(_MOST_TAGS, np.uint64)
    start = _NO
    for each in range(len(ends)):
        at = _past_blanks(data, start)
        start = ends[each] + _ONE
        rows[each], ts[each], named[each] = -1, _NAN, False
        bits[each] = _NAN
        if data[at] != _OPEN:
            continue
        at = _past_blanks(data, at + _ONE)
        field, model, found = 0, -1, 0
        while True:
            at, field, _ = _named(data, at, fields[0], fields[1], field, len(fields[1]))
            if at == _NO or found & (1 << field):
                break
            found |= 1 << field
            at = _past_colon(data, at)
            if at == _NO:
                break
            if field == FEATURES:
                at = _features(data, at, names, name_ends, numbers, bits[each], seen, each)
            elif field == MODEL_ID:
                at, model = _model(data, at, ids, id_ends, order, known)
            elif field == PREDICTION:
                if predicts:
                    at, bits[each, numbers] = _value(data, at)
                else:
                    at = _NO
            elif data[at] == _N:
                at = _past_null(data, at)
            elif field == TS:
                if data[at] == _QUOTE:
                    at, seconds[each] = _instant(data, at)
                else:
                    at, ts[each] = _number(data, at)
            elif field == TAGS:
                at = _tags(data, at, firsts, lasts)
            else:
                at = _past_text(data, at)
                named[each] |= field == EVENT_ID
            if at == _NO:
                break
            at = _past_blanks(data, at)
            if data[at] == _COMMA:
                at = _past_blanks(data, at + _ONE)
                field += 1
                if field == len(fields[1]):
                    field = 0
                continue
            if data[at] == _CLOSE and found & required == required:
                at = _past_blanks(data, at + _ONE)
                if at == ends[each]:
                    rows[each] = model
            break

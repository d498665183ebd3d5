"""The arithmetic of River's scaler and linear models, over a run of events at once."""

import math

import numpy as np

from detectors.bank import Floats, Ints
from detectors.compiled import compiled

ASK, LEARN = 1, 2
"""What is to be done with an event: answered, learned from, or both, in this order."""
NONE, LOGISTIC, LINEAR, SOFTMAX = 0, 1, 2, 3
NOT_SCALED, CENTRED, SCALED = 0, 1, 2
DONE = -1
FAR = 1e6
"""Times the largest label seen: a regression that answers more than that has exploded."""


@compiled
def _scale(x: Floats, moments: Floats, scaling: int, learn: int, scaled: Floats) -> None:
    """Scale what is there of an event, learned first or not.

    `moments` is (3, features): count, mean, variance.
    """
    for j in range(len(x)):
        value = x[j]
        scaled[j] = value
        if math.isnan(value):
            continue
        if learn:
            moments[0, j] += 1.0
        if scaling == NOT_SCALED:
            continue
        if learn:
            before = moments[1, j]
            moments[1, j] += (value - before) / moments[0, j]
            if scaling == SCALED:
                step = (value - before) * (value - moments[1, j]) - moments[2, j]
                moments[2, j] += step / moments[0, j]
        if scaling == CENTRED:
            scaled[j] = value - moments[1, j]
        else:
            variance = moments[2, j]
            scaled[j] = (value - moments[1, j]) / math.sqrt(variance) if variance else 0.0


@compiled
def _raw(x: Floats, weights: Floats, intercept: float) -> float:
    total = 0.0
    for j in range(len(x)):
        if not math.isnan(x[j]):
            total += weights[j] * x[j]
    return total + intercept


@compiled
def _sigmoid(value: float) -> float:
    if value < -30.0:
        return 0.0
    if value > 30.0:
        return 1.0
    return 1.0 / (1.0 + math.exp(-value))


@compiled
def _softmax(x: Floats, weights: Floats, known: Ints, probabilities: Floats) -> None:
    """Give each known class its probability, in the order in which they were met."""
    top = -math.inf
    for k in known:
        probabilities[k] = _raw(x, weights[k], 0.0)
        top = max(top, probabilities[k])
    total = 0.0
    for k in known:
        probabilities[k] = math.exp(probabilities[k] - top)
        total += probabilities[k]
    for k in known:
        probabilities[k] /= total


@compiled
def _log_gradient(sign: float, raw: float) -> float:
    z = raw * sign
    if z > 18.0:
        return math.exp(-z) * -sign
    if z < -18.0:
        return -sign
    return -sign / (math.exp(z) + 1.0)


@compiled
def _step(x: Floats, weights: Floats, gradient: float, lr: float, l2: float) -> None:
    for j in range(len(x)):
        if not math.isnan(x[j]):
            weights[j] -= lr * (x[j] * gradient + l2 * weights[j])


@compiled
def run(  # noqa: PLR0913, PLR0917 - arrays, not objects
    todo: Ints,
    xs: Floats,
    ys: Floats,
    kind: Ints,
    numbers: Floats,
    moments: Floats,
    weights: Floats,
    known: Ints,
    answers: Floats,
    start: int,
    stop: int,
) -> int:
    """Answer and learn the events from `start` up to `stop`.

    Parameters
    ----------
    todo
        (events,): `ASK`, `LEARN` or both.
    xs
        (events, features), NaN where a feature is missing.
    ys
        (events,): label, or the code of a class.
    kind
        (2,): which model, and how it scales.
    numbers
        (7,): rate, l2, rate of the intercept, clip, intercept, largest label, labels learned.
    moments, weights
        (3, features) and (classes, features).
    known
        (1 + classes,): how many classes are known, and their codes in the order they were met.
    answers
        (events, 1 + classes): number or code, and probabilities; written where asked.

    Returns
    -------
    int
        `DONE`, or the event at which the model gave no number or one far beyond any label;
        that event is neither answered nor learned.
    """
    model, scaling = kind[0], kind[1]
    scaled = np.empty(xs.shape[1])
    for i in range(start, stop):
        if todo[i] & ASK:
            _scale(xs[i], moments, scaling, 0, scaled)
            if not _answer(scaled, model, numbers, weights, known, answers[i]):
                return i
        if todo[i] & LEARN:
            _scale(xs[i], moments, scaling, 1, scaled)
            if not _learn(scaled, ys[i], model, numbers, weights, known):
                return i
            numbers[6] += 1.0
    return DONE


@compiled
def _answer(
    x: Floats,
    model: int,
    numbers: Floats,
    weights: Floats,
    known: Ints,
    answer: Floats,
) -> bool:
    """Answer scaled features; False when there is no number to give."""
    if model == SOFTMAX:
        answer[1:] = 0.0
        answer[0] = math.nan
        seen = known[1 : 1 + known[0]]
        _softmax(x, weights, seen, answer[1:])
        best = -1.0
        for k in seen:
            if not math.isfinite(answer[1 + k]):
                return False
            if answer[1 + k] > best:
                best = answer[1 + k]
                answer[0] = k
        return True
    raw = _raw(x, weights[0], numbers[4])
    if not math.isfinite(raw):
        return False
    if model == LOGISTIC:
        share = _sigmoid(raw)
        answer[0] = 1.0 if share > 1.0 - share else 0.0
        answer[1] = 1.0 - share
        answer[2] = share
        return True
    if numbers[6] > 0 and abs(raw) > FAR * max(numbers[5], 1e-300):
        return False
    answer[0] = raw
    return True


@compiled
def _learn(x: Floats, y: float, model: int, numbers: Floats, weights: Floats, known: Ints) -> bool:
    """Learn a label of scaled features; False when its gradient is no number."""
    if model == SOFTMAX:
        return _learn_class(x, int(y), numbers, weights, known)
    raw = _raw(x, weights[0], numbers[4])
    if model == LOGISTIC:
        gradient = _log_gradient(1.0 if y > 0.5 else -1.0, raw)
    else:
        gradient = 2.0 * (raw - y)
        numbers[5] = max(numbers[5], abs(y))
    if not math.isfinite(gradient):
        return False
    gradient = max(min(gradient, numbers[3]), -numbers[3])
    numbers[4] -= numbers[2] * gradient
    _step(x, weights[0], gradient, numbers[0], numbers[1])
    return True


@compiled
def _learn_class(x: Floats, label: int, numbers: Floats, weights: Floats, known: Ints) -> bool:
    lr, l2 = numbers[0], numbers[1]
    shares = np.zeros(len(weights))
    seen = known[1 : 1 + known[0]]
    _softmax(x, weights, seen, shares)
    fresh = True
    for k in seen:
        share = min(max(shares[k], 1e-15), 1.0 - 1e-15)
        if not math.isfinite(shares[k]):
            return False
        _step(x, weights[k], share - (1.0 if k == label else 0.0), lr, l2)
        fresh = fresh and k != label
    if fresh:
        known[0] += 1
        known[known[0]] = label
        _step(x, weights[label], 1e-15 - 1.0, lr, l2)
    return True

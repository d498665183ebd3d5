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
def _scale(x: Floats, moments: Floats, scaling: int, learn: bool, scaled: Floats) -> None:  # noqa: FBT001
    """Scale what is there of an event; `moments` is (3, features): count, mean, variance."""
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
def _log_gradient(positive: bool, raw: float) -> float:  # noqa: FBT001
    sign = 1.0 if positive else -1.0
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
def run(
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
    lr, l2, intercept_lr, clip = numbers[0], numbers[1], numbers[2], numbers[3]
    scaled = np.empty(xs.shape[1])
    classes = answers.shape[1] - 1
    for i in range(start, stop):
        if todo[i] & ASK:
            _scale(xs[i], moments, scaling, False, scaled)
            if model == SOFTMAX:
                answers[i, 1:] = 0.0
                answers[i, 0] = math.nan
                seen = known[1 : 1 + known[0]]
                _softmax(scaled, weights, seen, answers[i, 1:])
                best = -1.0
                for k in seen:
                    if not math.isfinite(answers[i, 1 + k]):
                        return i
                    if answers[i, 1 + k] > best:
                        best = answers[i, 1 + k]
                        answers[i, 0] = k
            else:
                raw = _raw(scaled, weights[0], numbers[4])
                if not math.isfinite(raw):
                    return i
                if model == LOGISTIC:
                    share = _sigmoid(raw)
                    answers[i, 0] = 1.0 if share > 1.0 - share else 0.0
                    answers[i, 1] = 1.0 - share
                    answers[i, 2] = share
                else:
                    if numbers[6] > 0 and abs(raw) > FAR * max(numbers[5], 1e-300):
                        return i
                    answers[i, 0] = raw
        if todo[i] & LEARN:
            _scale(xs[i], moments, scaling, True, scaled)
            if model == SOFTMAX:
                label = int(ys[i])
                seen = known[1 : 1 + known[0]]
                shares = np.zeros(classes)
                _softmax(scaled, weights, seen, shares)
                fresh = True
                for k in seen:
                    share = min(max(shares[k], 1e-15), 1.0 - 1e-15)
                    if not math.isfinite(share):
                        return i
                    _step(scaled, weights[k], share - (1.0 if k == label else 0.0), lr, l2)
                    fresh = fresh and k != label
                if fresh:
                    known[0] += 1
                    known[known[0]] = label
                    _step(scaled, weights[label], 1e-15 - 1.0, lr, l2)
            else:
                raw = _raw(scaled, weights[0], numbers[4])
                if model == LOGISTIC:
                    gradient = _log_gradient(ys[i] > 0.5, raw)
                else:
                    gradient = 2.0 * (raw - ys[i])
                    numbers[5] = max(numbers[5], abs(ys[i]))
                if not math.isfinite(gradient):
                    return i
                gradient = max(min(gradient, clip), -clip)
                numbers[4] -= intercept_lr * gradient
                _step(scaled, weights[0], gradient, lr, l2)
            numbers[6] += 1.0
    return DONE

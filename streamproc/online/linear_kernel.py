"""Compute River's scaler and linear models over a run of events."""

import math

import numpy as np

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled

ASK, LEARN = 1, 2
"""What is to be done with an event: answered, learned from, or both, in this order."""
NONE, LOGISTIC, LINEAR, SOFTMAX = 0, 1, 2, 3
NOT_SCALED, CENTRED, SCALED = 0, 1, 2
NUMBERS, SHAPE, TASK = 7, 4, 6
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
def _softmax(x: Floats, weights: Floats, known: Floats, probabilities: Floats) -> None:
    """Give each known class its probability, in the order in which they were met."""
    top = -math.inf
    for code in known:
        k = int(code)
        probabilities[k] = _raw(x, weights[k], 0.0)
        top = max(top, probabilities[k])
    total = 0.0
    for code in known:
        k = int(code)
        probabilities[k] = math.exp(probabilities[k] - top)
        total += probabilities[k]
    for code in known:
        k = int(code)
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
def run(
    tasks: Ints,
    todo: Ints,
    xs: Floats,
    ys: Floats,
    states: Floats,
    answers: Floats,
    stopped: Ints,
) -> None:
    """Let many models answer and learn, each its own events.

    Parameters
    ----------
    tasks
        (models, TASK): its first event, how many there are, a mask on what is to be done with
        them, where its first answer lies, how far it is to the next one's, and an answer's width.
    todo
        (events,): `ASK`, `LEARN` or both.
    xs
        The features of each model's events in turn, NaN where one is missing.
    ys
        (events,): label, or the code of a class.
    states
        What each model has learned, in turn: NUMBERS (rate, l2, rate of the intercept, clip,
        intercept, largest label, labels learned), SHAPE (which model, how it scales, features,
        classes), moments (3, features), weights (classes, features), and (1 + classes,): how many
        classes are known, and their codes in the order they were met.
    answers
        Of all events: number or code, and probabilities; written where asked.
    stopped
        (models,): gets `DONE`, or which of its events gave no number or one far beyond any
        label; that event is neither answered nor learned, and those after it are left.
    """
    begin = row = 0
    for k in range(len(tasks)):
        head = begin + NUMBERS + SHAPE
        features, classes = int(states[head - 2]), int(states[head - 1])
        first, second = head + 3 * features, head + (3 + classes) * features
        end = second + 1 + classes
        last = row + tasks[k, 1] * features
        stopped[k] = _run(
            tasks[k],
            todo,
            xs[row:last].reshape(tasks[k, 1], features),
            ys,
            states[begin:head],
            states[head:first].reshape(3, features),
            states[first:second].reshape(classes, features),
            states[second:end],
            answers,
        )
        begin, row = end, last


@compiled
def _run(  # noqa: PLR0913, PLR0917
    task: Ints,
    todo: Ints,
    xs: Floats,
    ys: Floats,
    numbers: Floats,
    moments: Floats,
    weights: Floats,
    known: Floats,
    answers: Floats,
) -> int:
    first, mask, at = task[0], task[2], task[3]
    model, scaling = int(numbers[NUMBERS]), int(numbers[NUMBERS + 1])
    scaled = np.empty(xs.shape[1])
    for i in range(task[1]):
        what = todo[first + i] & mask
        if what & ASK:
            _scale(xs[i], moments, scaling, 0, scaled)
            if not _answer(scaled, model, numbers, weights, known, answers[at : at + task[5]]):
                return i
        if what & LEARN:
            _scale(xs[i], moments, scaling, 1, scaled)
            if not _learn(scaled, ys[first + i], model, numbers, weights, known):
                return i
            numbers[6] += 1.0
        at += task[4]
    return DONE


@compiled
def _answer(
    x: Floats,
    model: int,
    numbers: Floats,
    weights: Floats,
    known: Floats,
    answer: Floats,
) -> bool:
    """Predict from scaled features; False if the result is not finite."""
    if model == SOFTMAX:
        answer[1:] = 0.0
        answer[0] = math.nan
        seen = known[1 : 1 + int(known[0])]
        _softmax(x, weights, seen, answer[1:])
        best = -1.0
        for code in seen:
            k = int(code)
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
def _learn(
    x: Floats, y: float, model: int, numbers: Floats, weights: Floats, known: Floats
) -> bool:
    """Learn a label of scaled features; False if its gradient is not finite."""
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
def _learn_class(x: Floats, label: int, numbers: Floats, weights: Floats, known: Floats) -> bool:
    lr, l2 = numbers[0], numbers[1]
    shares = np.zeros(len(weights))
    seen = known[1 : 1 + int(known[0])]
    _softmax(x, weights, seen, shares)
    fresh = True
    for code in seen:
        k = int(code)
        share = min(max(shares[k], 1e-15), 1.0 - 1e-15)
        if not math.isfinite(shares[k]):
            return False
        _step(x, weights[k], share - (1.0 if k == label else 0.0), lr, l2)
        fresh = fresh and k != label
    if fresh:
        known[0] += 1
        known[int(known[0])] = label
        _step(x, weights[label], 1e-15 - 1.0, lr, l2)
    return True

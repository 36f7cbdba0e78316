"""
Upper tails of two distributions, as natural logarithms, from the standard library alone.

Logarithms, because the tails that matter are smaller than a float can hold: 5,000 calls where one was expected.
Both tails are the regularized incomplete beta function I_x(a, b).

Source:
    https://dlmf.nist.gov/8.17 (continued fraction: 8.17.22)
"""

from __future__ import annotations

import math

_SMALLEST = 1e-300
_PRECISION = 1e-14
_MOST_STEPS = 100_000


def log_negative_binomial_tail(count: int, shape: float, exposure: float) -> float:
    """
    The logarithm of P(N >= count), N being calls in one window whose rate is only known from earlier windows.

    The rate is Gamma-distributed with this shape and exposure (in windows), the calls are Poisson with that rate;
    together they are negative binomial with success probability exposure / (exposure + 1).

    Args:
        count: Calls, 0 or more.
        shape: Calls seen before, plus 1/2 for Jeffreys' prior.
        exposure: How many windows they were seen in.
    """
    if count <= 0:
        return 0.0
    return log_incomplete_beta(1 / (exposure + 1), count, shape)


def log_student_tail(t: float, degrees: float) -> float:
    """The logarithm of P(T >= t) for Student's t with so many degrees of freedom; t is 0 or more."""
    return log_incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5) - math.log(2)


def log_incomplete_beta(x: float, a: float, b: float) -> float:
    """The logarithm of the regularized incomplete beta function I_x(a, b), for 0 <= x <= 1 and a, b > 0."""
    if x <= 0:
        return -math.inf
    if x >= 1:
        return 0.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    if x < (a + 1) / (a + b + 2):
        return log_front - math.log(a) + math.log(_beta_fraction(x, a, b))
    other = math.exp(log_front - math.log(b)) * _beta_fraction(1 - x, b, a)
    return math.log1p(-min(other, 1 - 1e-16))


def _beta_fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of I_x(a, b), by Lentz's method; it converges quickly for x < (a + 1) / (a + b + 2)."""
    c = 1.0
    d = 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, _MOST_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            fraction *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return fraction


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _SMALLEST else _SMALLEST

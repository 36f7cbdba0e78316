"""The tails, against sums and integrals done the long way."""

from __future__ import annotations

import math

import pytest

from trailql.insights.tails import log_incomplete_beta, log_negative_binomial_tail, log_student_tail


def _summed_tail(count: int, shape: float, exposure: float) -> float:
    def log_mass(k: int) -> float:
        ways = math.lgamma(k + shape) - math.lgamma(shape) - math.lgamma(k + 1)
        return ways + shape * math.log(exposure / (exposure + 1)) - k * math.log(exposure + 1)

    return math.fsum(math.exp(log_mass(k)) for k in range(count, count + 3000))


def _integrated_tail(t: float, degrees: float) -> float:
    """Simpson's rule over u in (0, 1), with x = t + u / (1 - u)."""
    scale: float = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)

    def density(u: float) -> float:
        x = t + u / (1 - u)
        power: float = (1 + x * x / degrees) ** (-(degrees + 1) / 2)
        return scale * power / (1 - u) ** 2

    steps = 20_000
    width = (1 - 1e-9) / steps
    inner = math.fsum((4 if number % 2 else 2) * density(number * width) for number in range(1, steps))
    return (density(0) + inner + density(steps * width)) * width / 3


@pytest.mark.parametrize("exposure", [1, 3, 28])
@pytest.mark.parametrize("shape", [0.5, 3.5, 110.5])
@pytest.mark.parametrize("count", [1, 2, 7, 40, 250])
def test_negative_binomial_tail_equals_its_sum(count: int, shape: float, exposure: float) -> None:
    """The tail is the sum of the probabilities from the count on, near and far from the mean."""
    expected = _summed_tail(count, shape, exposure)

    assert expected == pytest.approx(math.exp(log_negative_binomial_tail(count, shape, exposure)), rel=1e-9)


def test_no_calls_or_more_is_certain() -> None:
    """P(N >= 0) is 1."""
    assert 0.0 == log_negative_binomial_tail(0, 0.5, 1)


def test_tail_beyond_the_range_of_floats_is_still_a_number() -> None:
    """Far out, where the probability underflows, its logarithm goes on falling and stays finite."""
    far, farther = log_negative_binomial_tail(5_000, 0.5, 1), log_negative_binomial_tail(1_000_000, 0.5, 1)

    assert -math.inf < farther < far < -3_000


def test_tail_of_large_counts_is_near_the_normal_one() -> None:
    """With a million calls expected, three standard deviations above have the normal distribution's chance."""
    shape, exposure = 1_000_000.0, 1.0
    count = round(shape + 3 * math.sqrt(2 * shape))

    assert math.erfc(3 / math.sqrt(2)) / 2 == pytest.approx(
        math.exp(log_negative_binomial_tail(count, shape, exposure)), rel=0.02
    )


@pytest.mark.parametrize("degrees", [4, 8, 35])
@pytest.mark.parametrize("t", [0.0, 0.3, 1.5, 4.0, 11.0])
def test_student_tail_equals_its_integral(t: float, degrees: float) -> None:
    """The tail is the integral of the density from t on."""
    assert _integrated_tail(t, degrees) == pytest.approx(math.exp(log_student_tail(t, degrees)), rel=1e-5)


def test_student_tail_with_one_degree_is_cauchys() -> None:
    """With one degree of freedom the tail has a closed form."""
    assert 0.5 - math.atan(8.0) / math.pi == pytest.approx(math.exp(log_student_tail(8.0, 1)), rel=1e-12)


def test_incomplete_beta_at_its_ends() -> None:
    """I_0 is 0 and I_1 is 1, whatever the shape."""
    assert (-math.inf, 0.0) == (log_incomplete_beta(0.0, 2, 3), log_incomplete_beta(1.0, 2, 3))

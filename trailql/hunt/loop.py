"""Rounds again and again, with a pause that chance makes a little longer or shorter, until it is told to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from random import uniform
from threading import Event

from trailql.errors import BusyError, TrailqlError
from trailql.hunt.config import HuntSettings
from trailql.hunt.metrics import Measured, write_metrics
from trailql.hunt.round import Clock, RoundResult, run_round, utc_now

_JITTER = 0.1


def hunt_forever(
    read: Callable[[], HuntSettings],
    every: timedelta,
    stop: Event,
    *,
    on_round: Callable[[HuntSettings, RoundResult], None],
    on_error: Callable[[TrailqlError], None],
    on_step: Callable[[str], None] | None = None,
    backfill: timedelta | None = None,
    clock: Clock = utc_now,
) -> None:
    """
    Run rounds until `stop` is set; the round at work then is brought to its end.

    Args:
        read: Gives the settings, anew for each round, so that rules and exceptions may change.
        every: From the beginning of a round to that of the next, give or take a tenth.
        stop: Ends it.
        on_round, on_error: Told how each round went. A round that fails does not end the loop.
        on_step: See `run_round`.
        backfill: For the first round that gets through.
        clock: Tells the time.
    """
    settings = read()
    while not stop.is_set():
        begun = time.monotonic()
        try:
            settings = read()
            on_round(settings, run_round(settings, clock=clock, backfill=backfill, on_step=on_step))
            backfill = None
        except TrailqlError as error:
            tell_failure(settings, error, clock)
            on_error(error)
        pause = every.total_seconds() * uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311
        stop.wait(max(0.0, pause - (time.monotonic() - begun)))


def tell_failure(settings: HuntSettings, error: TrailqlError, clock: Clock = utc_now) -> None:
    """Say in the metrics that a round came to nothing; what kept it from the lake may not keep it from this file."""
    if settings.metrics is None or isinstance(error, BusyError):
        return
    try:
        write_metrics(settings.metrics, Measured(settings.name, clock(), 0.0, False, errors=1))
    except OSError:
        return

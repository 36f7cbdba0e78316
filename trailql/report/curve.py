"""The curve of an insight: in the terminal, as a page of HTML with a drawing in it, or as a PNG."""

from __future__ import annotations

from datetime import timedelta
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trailql.errors import UsageError
from trailql.insights.kinds import kind_of_type
from trailql.report.findings import chance_in_words, type_in_words, what_in_words
from trailql.report.text import iso, visible

if TYPE_CHECKING:
    from trailql.insights.anomaly import Insight
    from trailql.insights.curve import Curve

_HEIGHT = 12
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_BAND = "░"
_WIDE, _HIGH, _LEFT, _BOTTOM = 900, 300, 60, 30
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --band: #d8dee4; --usual: #57606a; --bar: #0969da;
        --odd: #cf222e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #0d1117; --band: #30363d; --usual: #8b949e; --bar: #58a6ff; --odd: #ff7b72; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
       color: var(--ink); background: var(--paper); }
svg { width: 100%; height: auto; } text { font: 12px system-ui, sans-serif; fill: var(--ink); }
.bar { fill: var(--bar); } .odd { fill: var(--odd); } .band { fill: var(--band); }
.usual { fill: none; stroke: var(--usual); stroke-dasharray: 4 3; }
td { padding: .15rem .8rem .15rem 0; vertical-align: top; }
td:nth-child(2) { overflow-wrap: anywhere; } td:last-child, td:first-child { white-space: nowrap; }
"""


def insight_text(insight: Insight, curve: Curve, width: int) -> str:
    """
    An insight explained: what it is, the evidence, its curve over the band of the days before, who was behind it.

    Args:
        insight: The insight.
        curve: From `trailql.insights.curve`.
        width: Columns to draw in.
    """
    lines = [visible(line) for line in insight_facts(insight)]
    lines += ["", *_drawing(curve, width), ""]
    lines += [visible(line) for line in _attributions(insight)]
    return "\n".join(lines) + "\n"


def insight_page(insight: Insight, curve: Curve) -> str:
    """The same as a page that needs nothing else; whatever comes from a log is escaped."""
    title = escape(visible(f"{type_in_words(insight)}: {what_in_words(insight)}"))
    facts = "".join(f"<p>{escape(visible(line))}</p>" for line in insight_facts(insight)[1:] if line)
    rows = "".join(
        f"<tr><td>{escape(attribute)}</td><td>{escape(visible(value))}</td><td>{rate:.4g} a minute</td></tr>"
        for attribute, value, rate in insight_rates(insight)
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style>'
    )
    body = f"<h1>{title}</h1>{facts}{curve_svg(curve)}<table>{rows}</table>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def write_plot(insight: Insight, curve: Curve, path: Path) -> None:
    """
    Write the curve as .html, .svg or .png, as the name says.

    Raises:
        UsageError: Another ending; .png without matplotlib; or the file cannot be written.
    """
    check_plot(path)
    ending = path.suffix.lower()
    try:
        if ending == ".html":
            path.write_text(insight_page(insight, curve), encoding="utf-8")
        elif ending == ".svg":
            path.write_text(f"<?xml version='1.0'?>\n{curve_svg(curve, alone=True)}\n", encoding="utf-8")
        else:
            _write_png(insight, curve, path)
    except OSError as error:
        raise UsageError(f"cannot be written: {(error.strerror or str(error)).lower()}", at=str(path)) from error


def check_plot(path: Path) -> None:
    """
    Whether `write_plot` can write a file of that name, before anything else is done.

    Raises:
        UsageError: Another ending, or .png without matplotlib.
    """
    ending = path.suffix.lower()
    if ending not in (".html", ".svg", ".png"):
        raise UsageError(f"a plot is .html, .svg or .png, not {ending or path.name!r}", at=str(path))
    if ending == ".png" and find_spec("matplotlib") is None:
        hint = "pip install '.[plot]' in the clone, or a name that ends with .html or .svg"
        raise UsageError("drawing a PNG needs the package matplotlib", at=str(path), hint=hint)


def insight_facts(insight: Insight) -> list[str]:
    """What it is and the evidence, a sentence each; to be made visible."""
    unit = kind_of_type(insight.insight_type).unit
    where = " ".join(filter(None, [insight.account, insight.region or "all Regions"]))
    told = {
        "peak": f"the busiest window so far had {insight.expected_calls:,.0f}",
        "hour": f"at that time of day there were never more than {insight.expected_calls:,.0f}",
        "level": f"{insight.expected_calls:,.0f} are usual on such a day",
        "fall": f"there were never fewer than {insight.expected_calls:,.0f} at that time of day",
    }[insight.way]
    return [
        f"{type_in_words(insight)}: {what_in_words(insight)}",
        f"{where}, {iso(insight.start)} to {iso(insight.end)}, {insight.insight_minutes:,} minutes; id {insight.id}",
        f"{insight.window_calls:,.0f} {unit} within {insight.window_minutes} minutes, where {told}.",
        f"{insight.insight_average:.4g} {unit} a minute, {insight.baseline_average:.4g} over the "
        f"{insight.baseline_minutes // 1440} days before.",
        f"By chance: {chance_in_words(insight.false_per_week)} in such an account.",
    ]


def _attributions(insight: Insight) -> list[str]:
    return [f"{attribute:<16} {rate:10.4g} a minute  {value}" for attribute, value, rate in insight_rates(insight)]


def insight_rates(insight: Insight) -> list[tuple[str, str, float]]:
    """Who was behind it: attribute, value, calls a minute."""
    return [(each.attribute, rate.value, rate.average) for each in insight.attributions for rate in each.insight]


def _drawing(curve: Curve, width: int) -> list[str]:
    """Bars in eighths of a line over the band; ▲ under the insight."""
    top = max(*curve.calls, *curve.most, 1)
    label = len(f"{top:,}") + 1
    number = len(curve.calls)
    wide = max(1, min(3, (width - label - 2) // number))
    shown = min(number, max(1, (width - label - 2) // wide))
    skip = max(0, min(curve.first - shown // 2, number - shown))
    span = range(skip, skip + shown)
    lines = []
    for level in range(_HEIGHT, 0, -1):
        cells = []
        for at in span:
            filled = curve.calls[at] / top * _HEIGHT - (level - 1)
            band = curve.most[at] / top * _HEIGHT - (level - 1)
            cell = _EIGHTHS[8] if filled >= 1 else _EIGHTHS[int(max(filled, 0) * 8)]
            cells.append((cell if cell != " " else _BAND if band > 0 else " ") * wide)
        head = f"{top:,}" if level == _HEIGHT else "0" if level == 1 else ""
        lines.append(f"{head:>{label}} │" + "".join(cells))
    marks = "".join(("▲" if curve.first <= at <= curve.last else " ") * wide for at in span)
    first = curve.start + timedelta(minutes=skip * curve.step_minutes)
    last = curve.start + timedelta(minutes=(skip + shown) * curve.step_minutes)
    lines.append(" " * (label + 2) + marks.rstrip())
    key = f"█ calls, {_BAND} most of the days before, ▲ insight"
    lines.append(f"{iso(first)} to {iso(last)}, {curve.step_minutes} minutes a step; {key}")
    return [line.rstrip() for line in lines]


def curve_svg(curve: Curve, *, alone: bool = False) -> str:
    """The drawing: part of a page that has the classes bar, odd, band and usual, or `alone` with its own style."""
    top = max(*curve.calls, *curve.most, 1)
    step = (_WIDE - _LEFT) / len(curve.calls)
    high = _HIGH - _BOTTOM

    def y(calls: float) -> float:
        return high - calls / top * (high - 10)

    def bars(values: tuple[int, ...], name: str, inset: float) -> str:
        return "".join(
            f'<rect class="{name if name != "bar" or not curve.first <= at <= curve.last else "odd"}" '
            f'x="{_LEFT + at * step + inset:.1f}" y="{y(calls):.1f}" width="{max(step - 2 * inset, 0.5):.1f}" '
            f'height="{high - y(calls):.1f}"/>'
            for at, calls in enumerate(values)
            if calls
        )

    line = " ".join(f"{_LEFT + (at + 0.5) * step:.1f},{y(calls):.1f}" for at, calls in enumerate(curve.usual))
    end = curve.start + timedelta(minutes=len(curve.calls) * curve.step_minutes)
    texts = (
        f'<text x="{_LEFT - 6}" y="16" text-anchor="end">{top:,}</text>'
        f'<text x="{_LEFT - 6}" y="{high}" text-anchor="end">0</text>'
        f'<text x="{_LEFT}" y="{_HIGH - 8}">{iso(curve.start)}</text>'
        f'<text x="{_WIDE}" y="{_HIGH - 8}" text-anchor="end">{iso(end)}</text>'
        f'<text x="{_WIDE / 2:.0f}" y="{_HIGH - 8}" text-anchor="middle">{curve.step_minutes} minutes a step; '
        "grey: the most of the days before, dashed: usual</text>"
    )
    style = f"<style>{_STYLE}</style>" if alone else ""
    space = ' xmlns="http://www.w3.org/2000/svg"' if alone else ""
    return (
        f'<svg{space} viewBox="0 0 {_WIDE} {_HIGH}" role="img">{style}'
        f"{bars(curve.most, 'band', 0)}{bars(curve.calls, 'bar', step * 0.2)}"
        f'<polyline class="usual" points="{line}"/>{texts}</svg>'
    )


def _write_png(insight: Insight, curve: Curve, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    times: Any = [curve.start + timedelta(minutes=at * curve.step_minutes) for at in range(len(curve.calls))]
    wide: Any = timedelta(minutes=curve.step_minutes)
    colours = ["#cf222e" if curve.first <= at <= curve.last else "#0969da" for at in range(len(curve.calls))]
    axes.bar(times, curve.most, width=wide, align="edge", color="#d8dee4", label="most of the days before")
    axes.bar(times, curve.calls, width=wide * 0.6, align="edge", color=colours, label="calls")
    axes.plot(times, curve.usual, color="#57606a", linestyle="--", label="usual")
    title = visible(f"{type_in_words(insight)}: {what_in_words(insight)}")
    axes.set_title(title.replace("$", r"\$"))
    axes.set_ylabel(f"calls in {curve.step_minutes} min")
    axes.legend()
    canvas.print_png(str(path))  # type: ignore[no-untyped-call]

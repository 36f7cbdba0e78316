"""`trailql report`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from trailql.cli.choosing import Config, Rules, chosen_detections
from trailql.cli.options import Lake, Output, Since, Until, span

app = typer.Typer(help="Reports for people who do not sit at the prompt.", no_args_is_help=True)


class _Format(StrEnum):
    MD = "md"
    JSON = "json"
    HTML = "html"


@app.callback()
def _common() -> None:
    pass


@app.command()
def compliance(
    framework: Annotated[
        str, typer.Option("--framework", help="cis-aws-1.4, cis-aws-3.0, cis-aws-5.0 or cis-aws-6.0.")
    ] = "cis-aws-3.0",
    lake: Lake = "lake",
    since: Since = None,
    until: Until = None,
    rules: Rules = None,
    config: Config = None,
    format: Annotated[_Format, typer.Option("--format", help="How to print the report.")] = _Format.MD,
    output: Output = None,
) -> None:
    """
    The monitoring controls of the CIS AWS Foundations Benchmark, with their events in a window of time.

    Example: trailql report compliance --framework cis-aws-3.0 --since 30d --format html --output cis.html
    """
    from trailql.detect.compliance import check_compliance
    from trailql.report.compliance import compliance_html, compliance_json, compliance_markdown
    from trailql.report.rows import write_text

    begin, end = span(since, until)
    detections, tuning = chosen_detections(rules=rules, config=config, tuned=False)
    found = check_compliance(lake, framework, since=begin, until=end, detections=detections, tuning=tuning)
    write = {_Format.MD: compliance_markdown, _Format.JSON: compliance_json, _Format.HTML: compliance_html}[format]
    write_text(write(found), output)

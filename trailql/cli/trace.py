"""`trailql trace`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from trailql.cli.options import Lake, Output, Since, Until, span, span_in_words
from trailql.report.graphs import GraphFormat
from trailql.report.text import visible


def trace(
    asked: Annotated[
        str,
        typer.Argument(
            help="Access key, ARN, address, network, eventID, instance id, or name of a user, role or session.",
            metavar="WHAT",
            show_default=False,
        ),
    ],
    lake: Lake = "lake",
    since: Since = None,
    until: Until = None,
    depth: Annotated[int, typer.Option("--depth", help="Most steps backwards, and most forwards.", min=0)] = 10,
    all_: Annotated[bool, typer.Option("--all", help="Every session in a place of its own in the tree.")] = False,
    format: Annotated[GraphFormat, typer.Option("--format", help="How to print the graph.")] = GraphFormat.TREE,
    output: Output = None,
) -> None:
    """
    Follow credentials: where they came from, and all that was done with them and with what they made.

    AssumeRole and its kin, sign-ins, access keys and passwords made for others. Calls are counted from --since to
    --until; where credentials came from is looked for in the whole lake.

    Example: trailql trace AKIAIOSFODNN7EXAMPLE --since 7d
    """
    from trailql.forensics.trace import trace_from
    from trailql.report.graphs import write_trace

    begin, end = span(since, until)
    found = trace_from(lake, asked.strip(), since=begin, until=end, depth=depth)
    write_trace(found, format, output, unfolded=all_)
    if not found.nodes:
        where = span_in_words(begin, end)
        print(visible(f"trailql: no credentials of {asked} ({found.kind}) were used {where}"), file=sys.stderr)
        print(
            visible(f"  try: trailql timeline --lake {lake} --ip, --principal or --resource {asked}"), file=sys.stderr
        )

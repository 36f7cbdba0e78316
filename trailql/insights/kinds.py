"""What is counted: CloudTrail's own two rates, and rates that it does not have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """
    A kind of series.

    Args:
        name: Short.
        insight_type: In insights; ours say so.
        unit: What its counts are, for sentences.
        is_error: Errors are judged apart: of most APIs there are none.
        meaning: One sentence for the documentation.
    """

    name: str
    insight_type: str
    unit: str
    is_error: bool
    meaning: str


KINDS = {
    each.name: each
    for each in (
        Kind("calls", "ApiCallRateInsight", "calls", False, "calls of a write API, and of any data API"),
        Kind("errors", "ApiErrorRateInsight", "errors", True, "calls of an API that end with one error code"),
        Kind("writes", "TrailqlPrincipalWriteRateInsight", "calls", False, "write calls of one principal, all APIs"),
        Kind("reads", "TrailqlPrincipalReadRateInsight", "calls", False, "read calls of one principal, all APIs"),
        Kind("refusals", "TrailqlPrincipalErrorRateInsight", "errors", True, "refused calls of one principal"),
        Kind("resources", "TrailqlResourceRateInsight", "resources", False, "instances launched or ended, by API"),
    )
}
"""By name. A principal is the role or user behind a session, never the session."""
AWS_KINDS = ("calls", "errors")
"""Those that CloudTrail Insights has."""

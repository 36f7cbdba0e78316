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
    """

    name: str
    insight_type: str
    unit: str
    is_error: bool


KINDS = {
    each.name: each
    for each in (
        Kind("calls", "ApiCallRateInsight", "calls", False),
        Kind("errors", "ApiErrorRateInsight", "errors", True),
        Kind("writes", "TrailqlPrincipalWriteRateInsight", "calls", False),
        Kind("reads", "TrailqlPrincipalReadRateInsight", "calls", False),
        Kind("refusals", "TrailqlPrincipalErrorRateInsight", "errors", True),
        Kind("resources", "TrailqlResourceRateInsight", "resources", False),
        Kind("new_apis", "TrailqlNewApiRateInsight", "new APIs", False),
        Kind("regions", "TrailqlRegionRateInsight", "events", False),
    )
}
"""By name. A principal is the role or user behind a session, never the session."""
AWS_KINDS = ("calls", "errors")
"""Those that CloudTrail Insights has."""
PRINCIPAL_KINDS = ("writes", "reads", "refusals")
"""Those that count what one principal does, over all APIs and Regions."""
REGION_KINDS = ("new_apis", "regions")
"""Those that count an account's Region, over all APIs; of `regions` only falls are looked for."""


def kind_of_type(insight_type: str) -> Kind:
    """The kind whose insights have a type."""
    return next(each for each in KINDS.values() if each.insight_type == insight_type)

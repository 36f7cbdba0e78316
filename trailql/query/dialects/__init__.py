"""
Queries written for CloudTrail Lake or for Athena's CloudTrail table, run over the lake as they are.

    from trailql.query.dialects import understood

    dialect, sql = understood("SELECT eventName FROM $EDS_ID WHERE eventTime > '2026-10-01 00:00:00'")
"""

from trailql.query.dialects.choose import understood

__all__ = ["understood"]

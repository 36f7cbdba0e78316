"""Unusual rates of API calls and errors, in the manner of CloudTrail Insights."""

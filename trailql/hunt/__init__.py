"""Scheduled hunting: ingest → detect → insights → alert → maintain, each event once per rule, each alert once."""

"""Shared by every process: settings, logging, metrics, connections."""

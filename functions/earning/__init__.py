"""Purchases become points."""

"""Campaigns as operators see them: what runs, what it gave, and what it would give."""

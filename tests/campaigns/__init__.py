"""Campaigns at size: exactly once, within budgets, whatever the machinery repeats; over the ledger in memory."""

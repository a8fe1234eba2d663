"""Fakes that behave: a clock, a ledger in memory, a client whose index lags, and the shop that the tests serve."""

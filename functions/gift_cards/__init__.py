"""Gift cards: prepaid money with a ledger of its own."""

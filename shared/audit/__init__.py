"""The proof of a stage's ledger: `python -m shared.audit`. Not part of any function's bundle."""

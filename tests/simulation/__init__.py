"""Deterministic simulation: the real handlers over a simulated network, clock and chance, replayed from one seed.

    python -m tests.simulation --seeds 2000        many worlds, with a progress bar
    python -m tests.simulation --seed 1234         one of them again, with all that happened in it

A new operation joins as a new scenario: a file beside `earn.py`, and its line in SCENARIOS of `run.py`.
"""

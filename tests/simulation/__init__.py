"""Deterministic simulation: the real handlers over a simulated network, clock and chance, replayed from one seed.

    python -m tests.simulation --seeds 2000        many worlds of every scenario, with a progress bar
    python -m tests.simulation --scenario redeem --seed 1234         one of them again, with all that happened in it

`earn` sends orders; `redeem` spends points on rewards of which there are few; `undo` pays orders with vouchers and gift cards
and refunds them; `rules` has caps, budgets, tiers, memberships, activities and recognitions, and programs that change; `refer`
has members who bring friends; `campaigns` has what comes by date: ticks, runs and their workers, operators who interfere, days
and months that pass. A new operation joins as a new scenario: a file beside `earn.py`, and its line in SCENARIOS of `run.py`.
"""

"""What Laurel costs and how fast it is, measured: `python -m benchmarks.retail`, `python -m benchmarks.units`."""

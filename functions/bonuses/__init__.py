"""Everything that comes by date: sweeps, and the runs of campaigns."""

"""The settable clock of sandbox stages; production does not have this function."""

"""Pure decisions: values and time in, entries or a domain error out. No I/O, no clock, no AWS."""

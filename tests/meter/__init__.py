"""A meter: round trips, and the documented read and write units of whatever a client asks DynamoDB.

No engine for tests reports a transaction's units as AWS documents them, so they are counted here, by the documented rules.
`python -m tests.meter` prints what recording a purchase, spending points and taking either back cost.
"""

"""DynamoDB engines for tests: moto, MiniStack in process, DynamoDB Local; and the faults none of them raises by itself."""

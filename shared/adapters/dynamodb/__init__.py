"""DynamoDB behind the ports: one table, keys `pk` and `sk`, one index `history`."""

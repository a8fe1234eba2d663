"""The real handlers, called with the events that API Gateway sends, over a table in process."""

"""What every Lambda function starts with: settings, wiring, the Powertools app, callers, problems."""

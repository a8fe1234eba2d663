"""The words of the HTTP API that several functions share: field types, answers, problems, cursors."""

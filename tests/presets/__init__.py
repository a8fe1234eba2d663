"""The programs people know (docs/presets.md), opened as shops and tried through the API."""

"""The program document: its versions, and what a change of it would mean."""

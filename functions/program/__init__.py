"""The program document in force."""

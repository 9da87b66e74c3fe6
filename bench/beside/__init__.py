"""What a user could pick instead of this project, measured beside it."""

"""What is known of a user, as of the build and since then."""

"""What contacts offer on the command line."""

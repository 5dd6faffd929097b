"""What templates of every room may load."""

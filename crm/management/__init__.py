"""Commands of the house itself; those with domain words live in their rooms."""

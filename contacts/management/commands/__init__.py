"""Thin doors: each parses its arguments, calls one verb and prints."""

"""One command a file, each calling one verb."""

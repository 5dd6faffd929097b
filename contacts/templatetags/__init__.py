"""Tags of the back office's pages."""

"""Every address of the site, who may look and who may act there, and a small world in which all of them have a page."""

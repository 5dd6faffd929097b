"""Websites: the script that their pages load, and where it sends what visitors do.

The site key is public, so what comes through here may come from anybody: it stores events of a cookie and fills blanks,
and it tells nobody whether somebody is known.
"""

"""Runs beside a user's DSPy: captures its wording, translates its programs, records the requests that it would send.

Needs nothing but the standard library and the installed DSPy, and reads no file of its own: it works from a zip.
"""

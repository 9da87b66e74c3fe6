"""Encoding: checked lines become tables of integers, on any of several engines."""

"""Numbers as text: ".283", "+.012 (+.009 to +.015)", "28.3 %"."""

from math import isnan

from index_builder.measuring.intervals import Interval

_NONE = "\N{EN DASH}"


def figure(value: float, digits: int = 3) -> str:
    """A share; a dash for NaN."""
    return _NONE if isnan(value) else f"{value:.{digits}f}".removeprefix("0")


def signed(value: float, digits: int = 3) -> str:
    """A difference with its sign; 0 if it rounds to zero."""
    if not round(value, digits):
        return "0"
    return ("+" if value > 0 else "\N{MINUS SIGN}") + figure(abs(value), digits)


def percent(share: float) -> str:
    """A share in percent."""
    return f"{100 * share:.1f} %"


def within(each: Interval) -> str:
    """A mean with its interval; a dash for NaN."""
    if isnan(each.mean):
        return _NONE
    return f"{figure(each.mean)} ({figure(each.low)}{_NONE}{figure(each.high)})"


def change(each: Interval, digits: int = 3) -> str:
    """A difference with its interval; a dash for NaN."""
    if isnan(each.mean):
        return _NONE
    mean, low, high = (signed(value, digits) for value in (each.mean, each.low, each.high))
    return f"{mean} ({low} to {high})"

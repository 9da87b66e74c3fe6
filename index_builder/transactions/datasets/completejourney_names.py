"""Names a person can read, for products that are known by cash-register abbreviations."""

import re
from functools import cache

_PHRASES = {
    "FLUID MILK WHITE ONLY": "WHITE MILK",
    "HEAT/SERVE": "HEAT & SERVE",
    "MEAT - MISC": "MEAT",
    "YOGURT NOT MULTI-PACKS": "YOGURT",
}
_WORDS = {
    "BA": "Bag",
    "BEERALEMALT": "Beer, Ale & Malt",
    "BEV": "Beverage",
    "BR": "Bread",
    "BRD": "Breaded",
    "BRKFST": "Breakfast",
    "BTL": "Bottle",
    "BTR": "Butter",
    "CAR": "Carbonated",
    "CARB": "Carbonated",
    "CATFD": "Cat Food",
    "CHICK": "Chicken",
    "CHIX": "Chicken",
    "CHOC": "Chocolate",
    "CHOCOCLATE": "Chocolate",
    "CLEANE": "Cleaner",
    "CLEANG": "Cleaning",
    "CND": "Canned",
    "CRBNTD": "Carbonated",
    "DNRS": "Dinners",
    "DOGFD": "Dog Food",
    "DRNK": "Drink",
    "DRNKING": "Drinking",
    "DRNKNG": "Drinking",
    "FD": "Food",
    "FEM": "Feminine",
    "FLVR": "Flavored",
    "FLVRD": "Flavored",
    "FRD": "Fried",
    "FRE": "Fresh",
    "FRZ": "Frozen",
    "FRZN": "Frozen",
    "GDS": "Goods",
    "GRND": "Ground",
    "HANDKE": "Handkerchiefs",
    "HYGN": "Hygiene",
    "IQF": "Frozen",
    "IWS": "Individually Wrapped",
    "JCE": "Juice",
    "JU": "Juice",
    "MISC": "Miscellaneous",
    "MLK": "Milk",
    "MLT": "Multi",
    "MNERAL": "Mineral",
    "MNRL": "Mineral",
    "PICKLD": "Pickled",
    "PK": "Pack",
    "PKG": "Packaged",
    "PLSTC": "Plastic",
    "PNT": "Peanut",
    "PREM": "Premium",
    "PREP": "Prepared",
    "PWDRS": "Powders",
    "REFIGERATED": "Refrigerated",
    "REFRGRATD": "Refrigerated",
    "REFRIG": "Refrigerated",
    "SANDWIC": "Sandwiches",
    "SAUCESSALSAPICANTEE": "Sauces, Salsa & Picante",
    "SAUS": "Sausage",
    "SFT": "Soft",
    "SGL": "Single",
    "SHERBTS": "Sherbets",
    "SNGL": "Single",
    "SPECILATY": "Specialty",
    "SRV": "Serve",
    "SS": "Single Serve",
    "SUP": "Super",
    "SV": "Service",
    "SW": "Sweet",
    "SWT": "Sweet",
    "TORT": "Tortilla",
    "VEG": "Vegetable",
    "WAT": "Water",
    "WATE": "Water",
    "WHL": "Whole",
    "WT": "Weight",
    "WTR": "Water",
}
_SMALL_WORDS = {"AND", "FOR", "IN", "OF", "ON", "OR", "THE", "WITH"}
_CAPITALS = {"BBQ", "DVD", "OJ", "TV"}
_UNITS = {"GA": "gal", "DZ": "doz", "L": "L", "ML": "ml", "PK": "pack"}

# A type of these words says nothing without its category: premium what?
_VAGUE = {
    "ADULT",
    "CONES",
    "ECONOMY",
    "ENROBED",
    "GARDEN",
    "MAINSTREAM",
    "MICROWAVE",
    "MISCELLANEOUS",
    "OTHER",
    "OVEN",
    "PAILS",
    "PINTS",
    "PLUS",
    "PREMIUM",
    "QUARTS",
    "REGULAR",
    "SEASONAL",
    "SPECIALTY",
    "STICKS",
    "SUPER",
    "TRADITIONAL",
    "VALUE",
}
_MEAT = ("MEAT", "MEAT-PCKGD")  # "lean", "choice", "patties": all are like that

_PARENTHESIS = re.compile(r"\s*\([^)]*\)?")  # what it excludes, often cut off at 30 characters
_CUT_OFF = re.compile(r"[\s/-]+[A-Z]$")  # the one letter left of a word at 30 characters
_SIZE = re.compile(r"(\d{0,3}(?:\.\d+)?)\s?([A-Z]{1,2}|SQ FT)")
_CARRIED = re.compile(r"(?:[\d.]+ OZ|\d(?:\.\d+)? LB)")


def product_name(
    product_type: str | None,
    category: str | None,
    department: str,
    package_size: str | None,
    brand: str,
) -> str:
    """What to call a product, such as "Ice Cream: Premium, 56 oz (store brand)".

    Returns:
        The name; empty if neither type nor category is known.
    """
    kind = product_type or category
    if not kind:
        return ""
    name = _readable(kind)
    if category and (department in _MEAT or _VAGUE.issuperset(re.findall("[A-Z]+", kind))):
        family = _readable(_PHRASES.get(category, category).split("/")[0])
        if family.rstrip("s") not in name:
            name = f"{family}: {name}"
    size = _readable_size(package_size or "", department)
    return name + (f", {size}" if size else "") + (" (store brand)" if brand == "Private" else "")


@cache
def _readable(text: str) -> str:
    text = _CUT_OFF.sub("", _PARENTHESIS.sub("", _PHRASES.get(text, text)))
    text = text.replace("&", " & ").replace(":", ": ").removesuffix(" INCL")
    text = re.sub(r"(\d)PK\b", r"\1 PK", text)
    words = re.sub(r"[A-Z']+", lambda match: _word(match[0]), " ".join(text.split()))
    return words[:1].upper() + words[1:]


def _word(word: str) -> str:
    if word in _CAPITALS:
        return word
    return word.lower() if word in _SMALL_WORDS else _WORDS.get(word, word.capitalize())


def _readable_size(size: str, department: str) -> str:
    """The package size, if it is one: many are order codes, or the crate that produce comes in."""
    match = _SIZE.fullmatch(size)
    if not match or not match[1] or (department == "PRODUCE" and not _CARRIED.fullmatch(size)):
        return ""
    return f"{match[1]} {_UNITS.get(match[2], match[2].lower())}"

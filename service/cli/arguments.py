"""What all commands share: the settings from flags and variables, and complaints."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_settings import CliApp, SettingsError

from service.settings import PREFIX, Settings
from service.support.invalid_fields import TEXT, field_error


def read_settings(arguments: Sequence[str]) -> Settings:
    """Return the settings of a command line; exits with 2 if one is invalid."""
    try:
        return CliApp.run(Settings, cli_args=list(arguments))
    except ValidationError as error:
        for each in error.errors():
            name = str(each["loc"][0])
            wrong = replace(field_error(each, TEXT), field=_flag(name))
            shown = name in Settings.model_fields and Settings.model_fields[name].repr
            complain(f"{wrong}." if shown else f"{wrong.field}: expected {wrong.expected}.")
    except SettingsError:  # the only setting that is no plain text
        complain(f"{_flag('kafka_options')}: expected a JSON object.")
    sys.exit(2)


def unknown_variables(environment: Iterable[str]) -> Iterator[str]:
    """Yield a warning for each variable that is called like a setting, but is none."""
    known = [name.upper() for name in Settings.model_fields]
    for name in sorted(environment):
        setting = name.upper().removeprefix(PREFIX)
        if setting != name.upper() and setting not in known:
            near = get_close_matches(setting, known, n=1)
            hint = f"; did you mean {PREFIX}{near[0]}?" if near else "."
            yield f"{name} is ignored: there is no such setting{hint}"


def complain(message: str) -> None:
    """Print why a command cannot do what it should."""
    print(f"rtt2vec-serve: {message}", file=sys.stderr)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')} (RTT2VEC_{name.upper()})"

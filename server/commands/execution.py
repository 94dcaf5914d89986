"""Execution of a command: its settings, its import, and its exit code."""

import sys
from argparse import Namespace
from collections.abc import Callable

from core.errors import InstallationError
from core.imports import load
from core.settings import Settings, SettingsError, load_settings
from server.logging import configure_logging

Command = Callable[[Settings, Namespace], int]


def execute(options: Namespace) -> int:
    """Runs the command of the options. Returns its exit code; 2 for invalid settings."""
    overrides = {
        name: value for name in Settings.model_fields if (value := getattr(options, name, None)) is not None
    }
    try:
        settings = load_settings(overrides)
        configure_logging(settings.log_level)
        command: Command = load(options.command)
        return command(settings, options)
    except SettingsError as error:
        print(f"seshat: {error}", file=sys.stderr)
        return 2
    except InstallationError as error:
        print(f"seshat: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130

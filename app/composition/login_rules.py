"""Finds the login rules that are installed."""

from importlib.metadata import EntryPoint, entry_points

from app.domain.login_rules import BUILT_IN, LoginRule
from app.settings import ConfigurationError


def find_rules() -> list[LoginRule]:
    """Returns the built-in login rules, and those of installed packages with an entry point."""
    return [*BUILT_IN, *(_load_rule(each) for each in entry_points(group="profile_api.login_rules"))]


def _load_rule(entry_point: EntryPoint) -> LoginRule:
    """Imports the rule.

    Raises ConfigurationError when this fails with any exception, because the package is not ours.
    """
    try:
        rule: LoginRule = entry_point.load()
    except Exception as error:
        # A service without one of its rules would store other data than the operator expects, so it must not start.
        source = entry_point.dist.name if entry_point.dist else entry_point.value
        raise ConfigurationError(
            f"The login rule {entry_point.name} of the package {source} cannot be loaded ({type(error).__name__})."
            " Repair or remove the package."
        ) from error
    return rule

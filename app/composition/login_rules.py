"""The login rules that this installation offers."""

from importlib.metadata import EntryPoint, entry_points

from app.domain.login_rules import BUILT_IN, LoginRule
from app.settings import ConfigurationError


def installed_rules() -> list[LoginRule]:
    """The built-in login rules, and those that installed packages offer as entry points."""
    return [*BUILT_IN, *(_load_rule(each) for each in entry_points(group="profile_api.login_rules"))]


def _load_rule(offered: EntryPoint) -> LoginRule:
    """ConfigurationError when the package that offers the rule cannot be imported, whatever it raises."""
    try:
        rule: LoginRule = offered.load()
    except Exception as error:
        source = offered.dist.name if offered.dist else offered.value
        raise ConfigurationError(
            f"The login rule {offered.name} of the package {source} cannot be loaded ({type(error).__name__}):"
            " repair or remove the package."
        ) from error
    return rule

"""Rules of use cases. Each is declared once: the service enforces the same object that the schema prints."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from app.domain.principals import Principal
from app.domain.rules import Rule

S = TypeVar("S")
P = ParamSpec("P")
T = TypeVar("T")

Enforcing = Callable[Concatenate[S, Principal | None, Rule, P], Coroutine[Any, Any, T]]
UseCase = Callable[Concatenate[S, Principal | None, P], Coroutine[Any, Any, T]]


def requires(rule: Rule) -> Callable[[Enforcing[S, P, T]], UseCase[S, P, T]]:
    """Declares the rule of a method. The method gets the rule as its second argument and must enforce it."""
    # The decorator cannot enforce the rule itself: only the method knows whether the profile is the caller's own.

    def wrap(method: Enforcing[S, P, T]) -> UseCase[S, P, T]:
        @wraps(method)
        def use_case(
            self: S, principal: Principal | None, /, *args: P.args, **kwargs: P.kwargs
        ) -> Coroutine[Any, Any, T]:
            return method(self, principal, rule, *args, **kwargs)

        use_case.rule = rule  # type: ignore[attr-defined]
        return use_case

    return wrap


def rule_of(use_case: Callable[..., Any]) -> Rule:
    """Returns the rule that `requires` declared."""
    rule: Rule = use_case.rule  # type: ignore[attr-defined]
    return rule

"""Prints app/web/manual/authorization.md with the tables of the rules that the schema prints."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from graphql import GraphQLObjectType

from app.schema.authorized import Authorized, authorized_of
from app.schema.build import build_schema

PAGE = Path(__file__).parent.parent / "app" / "web" / "manual" / "authorization.md"
# The other fields of `User` have this field's rule.
_USUAL = "Query.user"
_MUTATION = "Mutation."


def main() -> None:
    print(with_tables(PAGE.read_text()), end="")


def with_tables(page: str) -> str:
    """The page with the text of its sections Reading and Writing replaced by their tables."""
    rules = rules_by_field()
    for title in ("Reading", "Writing"):
        before, heading, after = page.partition(f"## {title}\n")
        names = [name for name in rules if name.startswith(_MUTATION) is (title == "Writing")]
        table = "\n".join(_table({name.removeprefix(_MUTATION): rules[name] for name in names}))
        page = f"{before}{heading}\n{table}\n\n## {after.partition('## ')[2]}"
    return page


def rules_by_field() -> dict[str, Authorized]:
    """By `Type.field`: the rules that need a scope."""
    found = {}
    for type_ in build_schema()._schema.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            for name, field in type_.fields.items():
                rule = authorized_of(type_, field)
                if rule is not None and rule.scopes != [[]]:
                    found[f"{type_.name}.{name}"] = rule
    return found


def _table(rules: dict[str, Authorized]) -> Iterator[str]:
    yield "| field or mutation | any profile | own profile |"
    yield "| --- | --- | --- |"
    for names, rule in _grouped(rules):
        yield f"| {_names(names, rule)} | {_scopes(rule.scopes)} | {_own(rule)} |"


def _grouped(rules: dict[str, Authorized]) -> list[tuple[list[str], Authorized]]:
    """Fields with the same rule together, the usual rule first and then by name."""
    groups = defaultdict(list)
    for name, rule in rules.items():
        groups[rule.words].append(name)
    ordered = sorted(sorted(names) for names in groups.values())
    ordered.sort(key=lambda names: _USUAL not in names)
    return [(names, rules[names[0]]) for names in ordered]


def _names(names: list[str], rule: Authorized) -> str:
    if _USUAL not in names:
        return ", ".join(f"`{each}`" for each in names)
    others = [f"`{each}`" for each in names if not each.startswith("User.")]
    return f"{', '.join(others)}, and each field of `User` that is not below"


def _scopes(alternatives: Sequence[Sequence[str]]) -> str:
    return " or ".join(" and ".join(f"`{scope}`" for scope in each) for each in alternatives)


def _own(rule: Authorized) -> str:
    if not isinstance(rule.self_, list):
        return "the same"
    if not rule.self_:
        return "never"
    return _scopes(rule.self_) + (", with a recent sign-in" if "recent sign-in" in rule.words else "")


if __name__ == "__main__":
    main()

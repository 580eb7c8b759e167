"""Prints the manual's page about authorization with tables made from the rules of the schema, for scripts/schema."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from graphql import GraphQLObjectType

from app.schema.authorized import Authorized, authorized_of
from app.schema.build import build_schema

PAGE = Path(__file__).parent.parent / "app" / "web" / "manual" / "authorization.md"
# The fields of `User` without a row of their own have the rule of this field.
_USUAL = "Query.user"
_MUTATION = "Mutation."


def main() -> None:
    print(with_tables(PAGE.read_text()), end="")


def with_tables(page: str) -> str:
    """Returns the page with new tables as the only content of its sections Reading and Writing."""
    rules = rules_by_field()
    for title in ("Reading", "Writing"):
        before, heading, after = page.partition(f"## {title}\n")
        names = [name for name in rules if name.startswith(_MUTATION) is (title == "Writing")]
        # The text after the table, up to the next heading, is replaced too: it would be a second, older table.
        table = "\n".join(_format_table({name.removeprefix(_MUTATION): rules[name] for name in names}))
        page = f"{before}{heading}\n{table}\n\n## {after.partition('## ')[2]}"
    return page


def rules_by_field() -> dict[str, Authorized]:
    """Returns the rules that require a scope. The keys are `Type.field`."""
    found = {}
    for type_ in build_schema()._schema.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            for name, field in type_.fields.items():
                rule = authorized_of(type_, field)
                if rule is not None and rule.scopes != [[]]:
                    found[f"{type_.name}.{name}"] = rule
    return found


def _format_table(rules: dict[str, Authorized]) -> Iterator[str]:
    yield "| field or mutation | any profile | own profile |"
    yield "| --- | --- | --- |"
    for names, rule in _group(rules):
        yield f"| {_format_names(names, rule)} | {_format_scopes(rule.scopes)} | {_format_own(rule)} |"


def _group(rules: dict[str, Authorized]) -> list[tuple[list[str], Authorized]]:
    """Returns groups of fields with the same rule. The group with the usual rule is first, the others are sorted."""
    groups = defaultdict(list)
    for name, rule in rules.items():
        groups[rule.words].append(name)
    ordered = sorted(sorted(names) for names in groups.values())
    ordered.sort(key=lambda names: _USUAL not in names)
    return [(names, rules[names[0]]) for names in ordered]


def _format_names(names: list[str], rule: Authorized) -> str:
    if _USUAL not in names:
        return ", ".join(f"`{each}`" for each in names)
    others = [f"`{each}`" for each in names if not each.startswith("User.")]
    return f'{", ".join(others)}, and all fields of `User` that are not in this table or below "Other rules"'


def _format_scopes(alternatives: Sequence[Sequence[str]]) -> str:
    return " or ".join(" and ".join(f"`{scope}`" for scope in each) for each in alternatives)


def _format_own(rule: Authorized) -> str:
    if not isinstance(rule.self_, list):
        return "the same"
    if not rule.self_:
        return "never"
    return _format_scopes(rule.self_) + (", with a recent sign-in" if "recent sign-in" in rule.words else "")


if __name__ == "__main__":
    main()

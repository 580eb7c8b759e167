"""Checks that apply to the attribute tables of all kinds."""

import pytest

from app.domain.attributes.identities import IDENTITY
from app.domain.attributes.nodes import NODES, list_query
from app.domain.ids import decode_id
from app.domain.kinds import Relation
from app.domain.rows import Row
from app.domain.rules import READING, ReadableRules

KINDS = (*NODES.values(), IDENTITY)


RELATIONS = [each for kind in KINDS for each in kind.attributes.values() if isinstance(each, Relation)]


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda each: each.name)
def test_each_relation_lists_a_known_kind(relation: Relation) -> None:
    query = list_query(relation)
    kind = query.kind
    assert (kind.name, query.order) == (relation.of, relation.order)
    known = {path for each in kind.attributes.values() for path in each.paths} | {*kind.needs, *kind.lookups}
    assert query.owner_field in known


def test_each_attribute_has_a_rule_of_reading() -> None:
    rules = {each.read for kind in KINDS for each in kind.attributes.values()} - {None}
    assert rules <= set(READING)


def test_each_global_id_names_its_kind() -> None:
    for kind in NODES.values():
        row = Row(kind, {"_id": "key"}, ReadableRules(READING))
        assert decode_id(row.read("id")) == (kind.name, "key")

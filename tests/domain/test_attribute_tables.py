"""What the tables of all kinds have in common."""

from app.domain.attributes.identities import IDENTITY
from app.domain.attributes.nodes import NODES
from app.domain.ids import decode_id
from app.domain.kinds import Owned, Paged
from app.domain.rows import Row
from app.domain.rules import READING, ReadableRules

KINDS = (*NODES.values(), IDENTITY)


def test_each_relation_names_a_kind_of_the_registry() -> None:
    relations = [each for kind in KINDS for each in kind.attributes.values() if isinstance(each, Owned | Paged)]
    assert {each.name for each in relations} >= {"devices", "mfa_enrollments", "users"}
    assert [each.name for each in relations if each.of not in NODES] == []


def test_each_rule_of_an_attribute_is_one_of_reading() -> None:
    rules = {each.read for kind in KINDS for each in kind.attributes.values()} - {None}
    assert rules <= set(READING)


def test_each_global_id_names_its_kind() -> None:
    for kind in NODES.values():
        row = Row(kind, {"_id": "key"}, ReadableRules(READING))
        assert decode_id(row.read("id")) == (kind.name, "key")

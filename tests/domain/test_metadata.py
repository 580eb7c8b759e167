"""The limits of metadata, and merging of patches."""

import json
from copy import deepcopy
from datetime import datetime
from typing import Any

import bson
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.errors import ErrorCode, Refused
from app.domain.metadata import RESERVED_APP_METADATA, check_patch, check_size, is_deeper, merge, pick

settings.register_profile("profile-api", deadline=None, derandomize=True)
settings.load_profile("profile-api")

INT64 = st.integers(-(2**63), 2**63 - 1)
# A few values of each type, which hypothesis draws quickly. Python compares some of them as equal.
SCALARS = st.sampled_from([None, True, False, 0, 1, -(2**63), 2**63 - 1, 1.0, 0.1, 1e300, "", "1", "a.b", "é😀"])
# Few names, so that two documents often share them.
NAMES = st.sampled_from(["a", "b", "c", "address", "é"])


def _json(leaves: st.SearchStrategy[Any], keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    def around(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(inside, max_size=2) | st.dictionaries(keys, inside, max_size=3)

    return st.recursive(leaves, around, max_leaves=8)


DOCUMENTS = st.dictionaries(NAMES, _json(SCALARS, NAMES), max_size=3)


def exactly(value: Any) -> str:
    """Returns a form for comparisons in which 1 differs from true."""
    return json.dumps(value, sort_keys=True)


def refusal(patch: Any, reserved: frozenset[str] = frozenset()) -> Refused:
    with pytest.raises(Refused) as refused:
        check_patch(patch, reserved)
    return refused.value


# ---------------------------------------------------------------- merging

# RFC 7396, appendix A: original, patch, result.
APPENDIX_A = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("original", "patch", "result"), APPENDIX_A)
def test_merge_follows_the_examples_of_rfc_7396(original: Any, patch: Any, result: Any) -> None:
    # Metadata is an object, so each example is tested below a key. There null deletes the key.
    assert merge({"x": original}, {"x": patch}) == ({} if result is None else {"x": result})
    if isinstance(original, dict) and isinstance(patch, dict):
        assert merge(original, patch) == result


def rfc_7396(target: Any, patch: Any) -> Any:
    """The pseudocode of RFC 7396, section 2."""
    if isinstance(patch, dict):
        if not isinstance(target, dict):
            target = {}
        for name, value in patch.items():
            if value is None:
                if name in target:
                    del target[name]
            else:
                target[name] = rfc_7396(target.get(name), value)
        return target
    return patch


@given(DOCUMENTS, DOCUMENTS)
def test_merge_follows_the_pseudocode_of_rfc_7396(document: dict[str, Any], patch: dict[str, Any]) -> None:
    assert exactly(merge(document, patch)) == exactly(rfc_7396(deepcopy(document), deepcopy(patch)))


@given(DOCUMENTS)
def test_empty_patch_changes_nothing(document: dict[str, Any]) -> None:
    assert exactly(merge(document, {})) == exactly(document)


@given(DOCUMENTS, DOCUMENTS)
def test_merging_a_patch_twice_changes_nothing_more(document: dict[str, Any], patch: dict[str, Any]) -> None:
    once = merge(document, patch)
    assert exactly(merge(once, patch)) == exactly(once)


@given(DOCUMENTS, DOCUMENTS)
def test_merge_changes_neither_document_nor_patch(document: dict[str, Any], patch: dict[str, Any]) -> None:
    before = exactly([document, patch])
    merge(document, patch)
    assert exactly([document, patch]) == before


# ---------------------------------------------------------------- keys

FORBIDDEN_KEYS = [
    "",
    "a.b",
    ".",
    "a.",
    "a\0",
    "\0",
    "$",
    "$set",
    "$$ROOT",
    "__proto__",
    "a" * 129,
    "é" * 65,
    "a" + "😀" * 32,
]


@pytest.mark.parametrize("key", FORBIDDEN_KEYS)
def test_forbidden_key_is_refused_at_any_depth(key: str) -> None:
    for patch, path in [
        ({key: 1}, ()),
        ({key: None}, ()),
        ({"fine": 1, key: {}}, ()),
        ({"a": {"b": {key: 1}}}, ("a", "b")),
        ({"a": [0, {"b": [{key: 1}]}]}, ("a", "1", "b", "0")),
    ]:
        refused = refusal(patch)
        assert refused.code is ErrorCode.INVALID_INPUT
        # The message contains only the beginning of a key that is too long.
        assert refused.path == ("patch", *path, key[:128])


@pytest.mark.parametrize(
    "key",
    [
        "a",
        "a" * 128,
        "é" * 64,
        "😀" * 32,
        "a$",
        "a$b",
        "__proto",
        "proto__",
        "constructor",
        " ",
        "0",
        "-",
        "\n",
        "ключ",
    ],
)
def test_other_keys_are_allowed(key: str) -> None:
    patch = {key: {"in": [{key: 1}]}}
    assert check_patch(patch) == patch


@pytest.mark.parametrize("key", ["\ud800", "a\udfff", "\udc00\ud800"])
def test_key_with_lone_surrogate_is_refused_with_printable_path(key: str) -> None:
    refused = refusal({"a": [{key: 1}]})
    assert refused.code is ErrorCode.INVALID_INPUT
    assert refused.path == ("patch", "a", "0")


@pytest.mark.parametrize("key", [1, None, True, 1.5, b"a", ("a",)])
def test_key_that_is_no_text_is_refused(key: object) -> None:
    assert refusal({"a": {key: 1}}).code is ErrorCode.INVALID_INPUT


# Copied from Auth0's documentation, not from the module.
RESERVED = [
    "__tenant",
    "_id",
    "blocked",
    "clientID",
    "created_at",
    "email_verified",
    "email",
    "globalClientID",
    "global_client_id",
    "identities",
    "lastIP",
    "lastLogin",
    "loginsCount",
    "metadata",
    "multifactor_last_modified",
    "multifactor",
    "updated_at",
    "user_id",
]


def test_reserved_keys_are_those_of_auth0() -> None:
    assert frozenset(RESERVED) == RESERVED_APP_METADATA


@pytest.mark.parametrize("key", RESERVED)
@pytest.mark.parametrize("value", [1, None, {}])
def test_reserved_app_metadata_key_is_refused_at_top_level_only(key: str, value: Any) -> None:
    refused = refusal({"fine": 1, key: value}, RESERVED_APP_METADATA)
    assert refused.code is ErrorCode.FORBIDDEN_FIELD
    assert refused.path == ("patch", key)
    assert key in refused.message
    check_patch({"billing": {key: value}}, RESERVED_APP_METADATA)
    check_patch({key: value})


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    "value",
    [
        *(2**63 - 1, -(2**63), 0, 1.7976931348623157e308, 5e-324, -0.0, True, False, None),
        *("", "a\0b", "\U0010ffff", "$set", "a.b", [], {}, [[None]], {"a": [{}]}),
    ],
)
def test_json_values_are_allowed(value: Any) -> None:
    assert check_patch({"a": value}) == {"a": value}


@pytest.mark.parametrize(
    "value",
    [
        *(2**63, -(2**63) - 1, 2**64, 10**400, -(10**400)),
        *(float("nan"), float("inf"), float("-inf")),
        *("\ud800", "a\udc00", "\udfff\ud800"),
        *((1,), {1}, b"a", bytearray(), object(), datetime(2026, 1, 31), 1j),
    ],
)
def test_value_that_json_forbids_is_refused_with_its_path(value: Any) -> None:
    for patch, path in [
        ({"a": value}, ("a",)),
        ({"a": {"b": value}}, ("a", "b")),
        ({"a": [1, [value]]}, ("a", "1", "0")),
    ]:
        refused = refusal(patch)
        assert refused.code is ErrorCode.INVALID_INPUT
        assert refused.path == ("patch", *path)


@pytest.mark.parametrize("patch", [None, [], [{"a": 1}], "a", "", 1, True, 1.5])
def test_patch_that_is_no_object_is_refused(patch: Any) -> None:
    refused = refusal(patch)
    assert refused.code is ErrorCode.INVALID_INPUT
    assert refused.path == ("patch",)


def nested(levels: int, innermost: Any, alternate: bool) -> dict[str, Any]:
    """Returns a patch with this many nested containers, counting the patch itself."""
    value = innermost
    for level in range(levels, 1, -1):
        value = [value] if alternate and level % 2 else {"k": value}
    return {"k": value}


@pytest.mark.parametrize("alternate", [False, True])
@pytest.mark.parametrize("innermost", [1, None, "a"])
def test_sixteen_levels_are_allowed_and_no_more(alternate: bool, innermost: Any) -> None:
    check_patch(nested(16, innermost, alternate))
    for levels in (17, 18, 100, 5_000):
        refused = refusal(nested(levels, innermost, alternate))
        assert refused.code is ErrorCode.INVALID_INPUT
        assert "16" in refused.message
        assert len(refused.path) == 17


@pytest.mark.parametrize("innermost", [{}, []])
def test_empty_object_or_array_counts_as_a_level(innermost: Any) -> None:
    check_patch(nested(15, innermost, alternate=False))
    refusal(nested(16, innermost, alternate=False))


HARSH_TEXT = st.text(st.sampled_from("ab.$_\0é\ud800\udc00😀"), max_size=4) | st.sampled_from(["__proto__", "a" * 129])
HARSH = _json(SCALARS | st.floats() | st.integers(-(2**65), 2**65) | HARSH_TEXT, HARSH_TEXT | NAMES)


@given(st.dictionaries(HARSH_TEXT | NAMES, HARSH, max_size=4))
def test_allowed_patch_is_stored_and_read_unchanged(patch: dict[str, Any]) -> None:
    try:
        check_patch(patch)
    except Refused as refused:
        assert refused.code is ErrorCode.INVALID_INPUT
        assert refused.path[0] == "patch"
        json.dumps([refused.message, *refused.path], ensure_ascii=False).encode()
    else:
        assert exactly(bson.decode(bson.encode(patch))) == exactly(patch)


# ---------------------------------------------------------------- size


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({}, "{}"),
        ({"a": 1}, '{"a":1}'),
        ({"a": "é"}, '{"a":"é"}'),
        ({"é": "😀"}, '{"é":"😀"}'),
        ({"a": '"\n\x01'}, '{"a":"\\"\\n\\u0001"}'),
        ({"a": [1, True, None], "b": {"c": 1.5}}, '{"a":[1,true,null],"b":{"c":1.5}}'),
        ({"a": "x" * 65_528}, '{"a":"' + "x" * 65_528 + '"}'),
    ],
    ids=["empty", "number", "umlaut", "emoji", "escapes", "nested", "64 KB"],
)
def test_size_limit_is_exact_to_the_byte(document: dict[str, Any], text: str) -> None:
    size = len(text.encode())
    check_size(document, size)
    with pytest.raises(Refused) as refused:
        check_size(document, size - 1)
    assert refused.value.code is ErrorCode.TOO_LARGE
    assert refused.value.path == ("patch",)
    assert str(size) in refused.value.message


@given(st.dictionaries(NAMES, _json(st.none() | st.booleans() | INT64 | st.text(max_size=8), NAMES), max_size=4))
def test_size_is_that_of_compact_json(document: dict[str, Any]) -> None:
    size = len(orjson.dumps(document))
    check_size(document, size)
    with pytest.raises(Refused):
        check_size(document, size - 1)


# ---------------------------------------------------------------- picking

ADDRESS = {"city": "Berlin", "geo": {"lat": 1, "lon": 2}}
DOCUMENT = {"address": ADDRESS, "tags": [{"x": 1}, 2], "nothing": None, "empty": {}, "é": {"ü": True}}


@pytest.mark.parametrize(
    ("paths", "picked"),
    [
        ([], {}),
        (["address"], {"address": ADDRESS}),
        (["address.city"], {"address": {"city": "Berlin"}}),
        (["address.geo.lat"], {"address": {"geo": {"lat": 1}}}),
        (["address.geo.lat", "address.city"], {"address": {"geo": {"lat": 1}, "city": "Berlin"}}),
        (["address.geo.lat", "address.geo.lon"], {"address": {"geo": {"lat": 1, "lon": 2}}}),
        (["address.geo.lat", "address.geo.lat"], {"address": {"geo": {"lat": 1}}}),
        (["address", "address.geo.lat"], {"address": ADDRESS}),
        (["address.geo.lat", "address"], {"address": ADDRESS}),
        (["é.ü"], {"é": {"ü": True}}),
        (["tags"], {"tags": [{"x": 1}, 2]}),
        (["empty"], {"empty": {}}),
        (["nothing"], {"nothing": None}),
        # Absent paths, and paths through a value that is no object.
        (["unknown"], {}),
        (["address.unknown"], {}),
        (["address.city.x"], {}),
        (["address.unknown.x", "nothing.x", "empty.x"], {}),
        (["tags.0", "tags.x", "tags.0.x"], {}),
        (["", ".", "address.", ".address", "address..city", "ADDRESS", " address"], {}),
    ],
)
def test_paths_select_values_and_keep_their_nesting(paths: list[str], picked: dict[str, Any]) -> None:
    before = exactly(DOCUMENT)
    assert exactly(pick(DOCUMENT, paths)) == exactly(picked)
    assert exactly(DOCUMENT) == before


def paths_of(document: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for key, value in document.items():
        found.append(prefix + key)
        if isinstance(value, dict):
            found += paths_of(value, f"{prefix}{key}.")
    return found


@given(DOCUMENTS, st.data())
def test_selecting_changes_no_document_and_needs_no_order(document: dict[str, Any], data: st.DataObject) -> None:
    before = exactly(document)
    everything = paths_of(document)
    assert exactly(pick(document, everything)) == before
    paths = data.draw(st.lists(st.sampled_from(everything), max_size=6)) if everything else []
    assert exactly(pick(document, paths)) == exactly(pick(document, paths[::-1]))
    assert exactly(document) == before
    for path in paths:
        assert exactly(pick(pick(document, paths), [path])) == exactly(pick(document, [path]))


@pytest.mark.parametrize("make", [lambda below: {"a": below}, lambda below: [below]])
def test_depth_of_any_document_is_found(make: Any) -> None:
    value: Any = 1
    for _ in range(64):
        value = make(value)
    assert not is_deeper(value, 64)
    assert is_deeper(make(value), 64)
    for _ in range(100_000):
        value = make(value)
    assert is_deeper(value, 64)
    while value != 1:
        # Python would free the deep value recursively, and could overflow the stack.
        [value] = value.values() if isinstance(value, dict) else value

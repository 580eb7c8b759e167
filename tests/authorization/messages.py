"""The GraphQL document of each operation, and answers in the form that the oracle uses."""

import json
from collections import Counter
from typing import Any

from tests.authorization.operations import Answer, Operation

EVENT = "type about: userId reason ip userAgent details actor { kind id name } changes { path before after }"
DEVICE = "deviceId name"
USER = f"""userId version name email blocked userMetadata appMetadata raw
  identities {{ userId profileData accessToken }} roles {{ roleId }}
  permissions {{ name sources {{ type roleId }} }} devices {{ nodes {{ {DEVICE} }} }}
  logEvents(first: 100) {{ nodes {{ {EVENT} }} totalCount {{ value }} }}"""
PAYLOAD = f"user {{ {USER} }} errors {{ code }}"
NODE = f"... on User {{ {USER} }} ... on LogEvent {{ {EVENT} }} ... on Device {{ {DEVICE} }}"
READS = {
    "viewer": f"query {{ viewer {{ {USER} }} }}",
    "user": f"query($by: UserBy!) {{ user(by: $by) {{ {USER} }} }}",
    "users": f"query {{ users {{ nodes {{ {USER} }} totalCount {{ value }} }} }}",
    "logEvents": f"query {{ logEvents(first: 100) {{ nodes {{ {EVENT} }} totalCount {{ value }} }} }}",
    "role": "query($id: String!) { role(roleId: $id) { roleId permissions { name }"
    " users { nodes { userId appMetadata } } } }",
    "nodes": f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ {NODE} }} }}",
}
INPUTS = {
    "updateUserMetadata": "UpdateUserMetadataInput",
    "updateAppMetadata": "UpdateAppMetadataInput",
    "updateRootAttributes": "UpdateRootAttributesInput",
    "updateUsers": "UpdateUsersInput",
    "blockUser": "BlockUserInput",
    "unblockUser": "UserActionInput",
    "assignRoles": "UserRolesInput",
    "unassignRoles": "UserRolesInput",
    "grantPermissions": "UserPermissionsInput",
    "unlinkDevice": "UnlinkDeviceInput",
    "deleteUser": "DeleteUserInput",
    "linkIdentity": "LinkIdentityInput",
    "unlinkIdentity": "UnlinkIdentityInput",
}
# The fields of `raw` that the oracle knows. The other fields are searched for markers only.
RAW = ("user_id", "name", "email", "user_metadata", "app_metadata")


def document_of(operation: Operation) -> str:
    name = operation.name
    if name in READS:
        return READS[name]
    payload = PAYLOAD
    if name == "updateUsers":
        payload = f"results {{ {PAYLOAD} }} errors {{ code }}"
    if name == "deleteUser":
        payload = "deletedUserId errors { code }"
    return f"mutation($input: {INPUTS[name]}!) {{ {name}(input: $input) {{ {payload} }} }}"


def answer_of(content: dict[str, Any]) -> Answer:
    """Returns the answer of the service in the form of the oracle."""
    errors = [(tuple(each.get("path") or ()), each["extensions"]["code"]) for each in content.get("errors", [])]
    return Answer(content.get("data"), errors)


def differences(expected: Answer, given: Answer) -> list[str]:
    """Returns the differences in the data and the errors. The order of most lists does not matter."""
    if expected.data is None:
        codes = {code for _, code in expected.errors}
        is_empty = given.data is None or set(given.data.values()) == {None}
        got = {code for _, code in given.errors}
        return [] if is_empty and got == codes else [f"expected {codes} and no data, not {got} and {given.data}"]
    found: list[str] = _in_data(_normal(_by_place(expected.data)), _normal(_by_place(given.data)), "")
    wanted, actual = (Counter((_pattern(path), code) for path, code in each.errors) for each in (expected, given))
    found += [f"missing error {each}" for each in (wanted - actual).elements()]
    return found + [f"unexpected error {each}" for each in (actual - wanted).elements()]


def _by_place(data: dict[str, Any] | None) -> dict[str, Any]:
    """Numbers the items of lists whose order matters."""
    data = dict(data or {})
    if isinstance(data.get("nodes"), list):
        data["nodes"] = dict(enumerate(data["nodes"]))
    if data.get("updateUsers"):
        results = {"results": dict(enumerate(data["updateUsers"]["results"]))}
        data["updateUsers"] = data["updateUsers"] | results
    return data


def _in_data(expected: Any, given: Any, path: str) -> list[str]:
    if isinstance(expected, dict) and isinstance(given, dict):
        names = sorted(expected.keys() | given.keys())
        return [each for name in names for each in _in_data(expected.get(name), given.get(name), f"{path}.{name}")]
    if isinstance(expected, list) and isinstance(given, list):
        return _in_lists(expected, given, path)
    return [] if expected == given else [f"{path}: expected {expected!r}, not {given!r}"]


def _in_lists(expected: list[Any], given: list[Any], path: str) -> list[str]:
    """Returns the differences, without the parts that are equal."""
    missing, extra = list(expected), list(given)
    for each in expected:
        if each in extra:
            missing.remove(each)
            extra.remove(each)
    if len(missing) != len(extra):
        return [f"{path}: missing {each!r}" for each in missing] + [f"{path}: unexpected {each!r}" for each in extra]
    pairs = enumerate(zip(missing, extra, strict=True))
    return [each for index, (one, two) in pairs for each in _in_data(one, two, f"{path}.{index}")]


def _normal(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(map(_normal, value), key=lambda each: json.dumps(each, sort_keys=True))
    if not isinstance(value, dict):
        return value
    return {name: _raw(below) if name == "raw" else _normal(below) for name, below in value.items()}


def _raw(value: Any) -> Any:
    return value and {name: value[name] for name in RAW if name in value}


def _pattern(path: tuple[str | int, ...]) -> str:
    return ".".join("*" if isinstance(each, int) else each for each in path)

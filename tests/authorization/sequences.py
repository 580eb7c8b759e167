"""Random sequences of up to six operations with their callers.

A sequence is made from a number, and hypothesis chooses only the numbers. Strategies of hypothesis for the sequences would
repeat the same few users and scopes most of the time.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.authorization.beginning import ROLES, SUPPORT, USERS, Setting
from tests.authorization.operations import Operation
from tests.authorization.stage import Step
from tests.authorization.state import ELSEWHERE, HERE
from tests.authorization.table import NEVER, SCOPES, TABLE, Caller

MAX_STEPS = 6
NOBODY = "nobody"
HANDLES = [handle for handle, tenant in USERS.items() if tenant == HERE]
OWN_SCOPES = frozenset(each for each in SCOPES if "current_user" in each)
# All objects that exist at the beginning, in both tenants.
THINGS: tuple[tuple[str, Any], ...] = (
    *(("User", each) for each in USERS),
    *(("Device", f"device-{each}") for each in USERS),
    *(("LogEvent", number) for number in range(3 * len(USERS) + 2)),
)
BATCHED = ["updateUserMetadata", "updateAppMetadata", "updateRootAttributes"]


def sequences() -> st.SearchStrategy[tuple[Setting, list[Step]]]:
    return st.integers(0, 2**64 - 1).map(_sequence)


def _sequence(number: int) -> tuple[Setting, list[Step]]:
    random = Random(number)
    return _setting(random), [_step(random) for _ in range(random.randint(1, MAX_STEPS))]


def _setting(random: Random) -> Setting:
    here = [role for role, tenant in ROLES.items() if tenant == HERE]
    held = {(random.choice(HANDLES), random.choice(here)) for _ in range(random.randrange(4))}
    return Setting(random.random() < 0.5, random.choice([None, None, None, "ann", "cat"]), tuple(sorted(held)))


def _step(random: Random) -> Step:
    operation = random.choice(_OPERATIONS)(random)
    return Step(_caller(random, operation), operation)


# ---------------------------------------------------------------- who


def _caller(random: Random, operation: Operation) -> Caller:
    """Returns a caller: often the user whom the operation is about, and often with the scopes that it needs."""
    kind = random.choices(["user", "oneself", "application", "elsewhere", NOBODY], [5, 4, 3, 1, 0.5])[0]
    scopes, signed_in = _scopes(random, operation.name), random.choice(["now"] * 8 + ["long ago", "unknown"])
    if kind == NOBODY:
        return Caller(HERE, None, False)
    if kind == "application":
        return Caller(HERE, SUPPORT, False, scopes)
    if kind == "elsewhere":
        is_user = random.random() < 0.5
        return Caller(ELSEWHERE, "eve" if is_user else SUPPORT, is_user, scopes, signed_in)
    about = operation.get("secondary") if random.random() < 0.3 else operation.user
    if kind == "user" or about not in HANDLES:
        about = random.choice([*HANDLES, *HANDLES, NOBODY])
    return Caller(HERE, about, True, scopes, signed_in)


def _scopes(random: Random, name: str) -> frozenset[str]:
    """Returns all scopes, about half of them, those of users, or a few; and often those that the operation needs."""
    kind = random.choice(["all", "half", "half", "own", "few"])
    half = frozenset(each for each in SCOPES if random.random() < 0.5)
    few = frozenset(random.sample(SCOPES, random.randrange(4)))
    held = {"all": frozenset(SCOPES), "half": half, "own": OWN_SCOPES | few, "few": few}[kind]
    return held | random.choice(_needed(name)) if random.random() < 0.7 else held


def _needed(name: str) -> list[frozenset[str]]:
    """Returns the alternatives of scopes in each row of the table about this field."""
    rows = [each for row, each in TABLE.items() if name.lower() in row.lower()]
    rows = rows or [TABLE[each] for each in ("user", *BATCHED)]
    texts = [text for row in rows for side in row if side and side != NEVER for text in side.split(",")]
    return [frozenset(scope.strip() for scope in each.split("+")) for each in texts]


# ---------------------------------------------------------------- what


def _read(name: str, *given: tuple[str, Any]) -> Callable[[Random], Operation]:
    return lambda _: Operation(name, arguments=given)


def _write(name: str, may_leave_out: bool = False, **choices: Callable[[Random], Any]) -> Callable[[Random], Operation]:
    """Returns a maker of writes. With `may_leave_out`, some writes name no user, which means the caller."""

    def make(random: Random) -> Operation:
        user = random.choice([*HANDLES, *HANDLES, NOBODY, *([None, None] if may_leave_out else [])])
        given: dict[str, Any] = {each: choose(random) for each, choose in choices.items()}
        given["outdated"] = random.random() < 0.05
        return Operation(name, user, tuple(given.items()))

    return make


def _user(random: Random) -> Operation:
    return Operation("user", random.choice([*HANDLES, *HANDLES, NOBODY]))


def _role(random: Random) -> Operation:
    return Operation("role", arguments=(("role", _any_role(random)),))


def _batch(random: Random) -> Operation:
    """Returns updates of different users. The service reads the lists of the results after all updates."""
    users = random.sample([*HANDLES, NOBODY], random.randrange(1, 4))
    return Operation(
        "updateUsers", arguments=(("updates", tuple(Operation(random.choice(BATCHED), each) for each in users)),)
    )


def _any_role(random: Random) -> str:
    return random.choice(list(ROLES))


def _any_device(random: Random) -> str:
    return f"device-{random.choice(list(USERS))}"


def _even(random: Random) -> bool:
    return random.random() < 0.5


_LINK = _write(
    "linkIdentity",
    True,
    secondary=lambda random: random.choice([*HANDLES, *HANDLES, "eve", NOBODY]),
    proves=_even,
    merge=_even,
)
_OPERATIONS: list[Callable[[Random], Operation]] = [
    _read("viewer"),
    _user,
    _read("users"),
    _read("logEvents"),
    _read("nodes", ("things", THINGS)),
    _role,
    _write("updateUserMetadata", True),
    _write("updateAppMetadata"),
    _write("updateRootAttributes", True),
    _batch,
    _write("blockUser"),
    _write("unblockUser"),
    _write("assignRoles", role=_any_role),
    _write("unassignRoles", role=_any_role),
    _write("grantPermissions"),
    _write("unlinkDevice", True, device=_any_device),
    _write("deleteUser"),
    _LINK,
    _LINK,
    _LINK,
    _write("unlinkIdentity", True, identity=lambda random: random.choice([*HANDLES, "dan", "dan"])),
    # The only account that may be linked at the beginning.
    lambda _: Operation("unlinkIdentity", "ann", (("identity", "dan"),)),
    lambda _: Operation("unlinkIdentity", "ann", (("identity", "dan"),)),
]

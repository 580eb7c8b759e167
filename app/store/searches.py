"""Runs searches: pages and counts of filters that the planner has an index for, each within a time limit."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

from pymongo.errors import OperationFailure, PyMongoError

from app.domain.errors import SearchTimedOut, Unavailable
from app.domain.filters import ALL, Filter, Record
from app.domain.kinds import Kind, Order
from app.domain.paging import Bounds, PageRequest, TotalCount
from app.store.database import Database, driver_errors, time_limit
from app.store.planner import COMMON, Planner, SearchPlan
from app.store.queries import Query, between, sort_of, to_query
from app.store.search_migration import is_search_complete

# The server's error code for a hint that names no index.
_BAD_VALUE = 2
# Seconds. A search that takes longer is stopped in the database.
MAX_SECONDS = 2.0
# Seconds for the first attempt when every condition is common, because the order's index is only a guess then.
_FIRST_ATTEMPT = 0.15
_COUNT_SECONDS = 0.3
# Seconds between two checks whether the database has been migrated.
_CHECK_SECONDS = 60.0
# Up to this number a count is exact when the index alone answers the query, and when it does not.
MAX_COVERED_COUNT = 10_000
MAX_COUNT = 1_000


class Searches:
    """Searches of one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_complete = False
        self._next_check = 0.0

    async def find_page(
        self,
        kind: Kind,
        tenant: str,
        where: Filter,
        order: Order,
        request: PageRequest,
        bounds: Bounds,
        chosen: Any,
    ) -> Sequence[Record]:
        """One more record than the page has, in the direction of the request. `chosen` is the projection. Raises
        SearchTimedOut after MAX_SECONDS.
        """
        collection = self._database[kind.collection]
        planner = Planner(collection)

        async def run(plan: SearchPlan) -> Sequence[Record]:
            query = between(plan.query, order, bounds, limits_scan=True)
            return await read_page(collection.find(query, chosen).hint(plan.index), order, request)

        with _stopped_after(MAX_SECONDS):
            plan = await planner.plan(kind, tenant, where, order)
            if not plan.is_guess:
                return await run(plan)
            try:
                with _stopped_after(_FIRST_ATTEMPT):
                    return await run(plan)
            except SearchTimedOut:
                return await run(await planner.plan(kind, tenant, where, order, COMMON))

    async def lacks_old_profiles(self) -> bool:
        """Whether a search can miss profiles of an older version, until `profile-api migrate` has updated them."""
        if not self._is_complete and monotonic() >= self._next_check:
            self._next_check = monotonic() + _CHECK_SECONDS
            self._is_complete = await is_search_complete(self._database)
        return not self._is_complete

    async def lacks_terms(self, tenant: str) -> bool:
        """Whether a profile of the tenant has more terms than are stored, so that a search can miss it."""
        with driver_errors():
            users = self._database["users"]
            return await users.find_one({"tenant": tenant, "lacks_terms": True}, {"_id": 1}) is not None

    async def count_all(self, kind: Kind, tenant: str) -> TotalCount:
        """The number of all records of the tenant, exact up to 10,000."""
        # The index answers the first query alone. The second one reads each profile, so it is only for a database that
        # is not migrated yet: its old profiles have no `is_linked`.
        fast: Query = {"tenant": tenant, "is_linked": False}
        query = to_query(kind, tenant, ALL) if await self.lacks_old_profiles() else fast
        with driver_errors():
            found = await self._database[kind.collection].count_documents(query, limit=MAX_COVERED_COUNT + 1)
        return TotalCount.up_to(MAX_COVERED_COUNT, found)

    async def count(self, kind: Kind, tenant: str, where: Filter, order: Order) -> TotalCount:
        """The number of matches: exact up to 10,000 when an index alone answers the query, and up to 1,000 otherwise.
        A count that takes longer than 0.3 s ends with 0 as its lower bound.
        """
        collection = self._database[kind.collection]
        try:
            with _stopped_after(_COUNT_SECONDS):
                plan = await Planner(collection).plan(kind, tenant, where, order)
                limit = MAX_COUNT if plan.covered is None else MAX_COVERED_COUNT
                query = plan.query if plan.covered is None else plan.covered
                found = await collection.count_documents(query, limit=limit + 1, hint=plan.index)
        except SearchTimedOut:
            return TotalCount(0, False)
        return TotalCount.up_to(limit, found)


async def read_page(cursor: Any, order: Order, request: PageRequest) -> Sequence[Record]:
    """Returns one more record than the page has, in the direction of the request."""
    # The additional record tells whether there is a next page, without a second command.
    found: list[Record] = await cursor.sort(sort_of(order, request)).limit(request.size + 1).to_list(None)
    return found


@contextmanager
def _stopped_after(seconds: float) -> Iterator[None]:
    """Ends the commands inside, in the driver and in the database, and raises SearchTimedOut."""
    try:
        with driver_errors(), time_limit(seconds):
            yield
    except Unavailable as error:
        if isinstance(error.__cause__, PyMongoError) and error.__cause__.timeout:
            raise SearchTimedOut from error
        raise
    except OperationFailure as error:
        # A process answers requests while it creates the indexes of a database of an older version.
        if error.code == _BAD_VALUE and "hint" in str(error):
            raise Unavailable("The indexes of search are being created. Try again later.") from error
        raise

"""Only the store uses MongoDB: other layers name no operator of MongoDB and no part of its driver."""

import ast
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).parents[1] / "app"
# The operators of MongoDB 6.0 and of later releases: of queries, updates, aggregation stages and expressions.
OPERATORS = frozenset(
    """
    abs accumulator acos acosh add addFields addToSet all allElementsTrue and anyElementTrue arrayElemAt
    arrayToObject asin asinh atan atan2 atanh avg binarySize bit bitAnd bitNot bitOr bitXor bitsAllClear bitsAllSet
    bitsAnyClear bitsAnySet bottom bottomN box bsonSize bucket bucketAuto ceil center centerSphere changeStream cmp
    collStats comment concat concatArrays cond convert cos cosh count covariancePop covarianceSamp currentDate
    currentOp dateAdd dateDiff dateFromParts dateFromString dateSubtract dateToParts dateToString dateTrunc
    dayOfMonth dayOfWeek dayOfYear degreesToRadians denseRank densify derivative divide documentNumber documents
    each elemMatch eq exists exp expMovingAvg expr facet fill filter first firstN floor function geoIntersects
    geoNear geoWithin geometry getField graphLookup group gt gte hour ifNull in inc indexOfArray indexOfBytes
    indexOfCP indexStats integral isArray isNumber isoDayOfWeek isoWeek isoWeekYear jsonSchema last lastN let limit
    linearFill listLocalSessions listSessions literal ln locf log log10 lookup lt lte ltrim map match max
    maxDistance maxN median merge mergeObjects meta millisecond min minDistance minN minute mod month mul multiply
    natural ne near nearSphere nin nor not objectToArray options or out percentile planCacheStats polygon pop
    position pow project pull pullAll push radiansToDegrees rand range rank redact reduce regex regexFind
    regexFindAll regexMatch rename replaceAll replaceOne replaceRoot replaceWith reverseArray round rtrim sample
    sampleRate search second set setDifference setEquals setField setIntersection setIsSubset setOnInsert setUnion
    setWindowFields shift size skip slice sort sortArray sortByCount split sqrt stdDevPop stdDevSamp strLenBytes
    strLenCP strcasecmp substr substrBytes substrCP subtract sum switch tan tanh text toBool toDate toDecimal
    toDouble toInt toLong toLower toObjectId toString toUpper top topN trim trunc tsIncrement tsSecond type
    unionWith unset unsetField unwind vectorSearch week where year zip
    """.split()  # noqa: SIM905 - shorter than a list of texts
)
DRIVER = frozenset({"bson", "motor", "pymongo", "ObjectId"})


def modules() -> Iterator[Path]:
    return (path for path in APP.rglob("*.py") if APP / "store" not in path.parents)


def mistakes(source: str) -> list[str]:
    """Returns the operators in the texts of a module, and the names of the driver that it uses."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            # An operator can begin a path or an expression: "$each", "$$ROOT", "$push.keys".
            words = node.value.split(".")[0].removeprefix("$")
            if node.value.startswith("$") and (words in OPERATORS or node.value.startswith("$$")):
                found.append(f"line {node.lineno}: {node.value}")
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [each.name.partition(".")[0] for each in node.names]
            names.append((getattr(node, "module", None) or "").partition(".")[0])
            found += [f"line {node.lineno}: {name}" for name in names if name in DRIVER]
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            found += [f"line {node.lineno}: {name}"] if name in DRIVER else []
    return found


def test_no_layer_above_the_store_names_an_operator() -> None:
    found = {str(path.relative_to(APP)): mistakes(path.read_text()) for path in modules()}
    assert len(found) > 100
    assert {name: each for name, each in found.items() if each} == {}


def test_store_names_operators() -> None:
    assert mistakes((APP / "store" / "queries.py").read_text())


def test_operators_are_found_in_any_form() -> None:
    for source in (
        "where = {'$in': [1]}",
        "where['$gte'] = 1",
        "dict(**{'$or': []})",
        "x = f'$set.{name}'",
        "y = '$$ROOT'",
        "import bson",
        "from pymongo.errors import PyMongoError",
        "import motor.motor_asyncio",
        "def find(key: ObjectId) -> None: ...",
    ):
        assert mistakes(source), source
    for source in ("price = '$5'", "key.startswith('$')", "'$argon2id$v=19'", "names = {'$', '@'}"):
        assert not mistakes(source), source

"""Each noun has one file of mutations or queries, and the schema joins all of them."""

import pkgutil
from importlib import import_module
from types import ModuleType

import pytest
from strawberry.types.base import get_object_definition, has_object_definition
from strawberry.types.field import StrawberryField

from app.schema import mutations, queries
from app.schema.mutation import Mutation
from app.schema.query import Query


def modules(package: ModuleType) -> list[ModuleType]:
    return [import_module(f"{package.__name__}.{each.name}") for each in pkgutil.iter_modules(package.__path__)]


@pytest.mark.parametrize("module", modules(mutations), ids=lambda module: module.__name__)
def test_schema_has_the_mutations_of_every_module(module: ModuleType) -> None:
    joined = {field.python_name for field in get_object_definition(Mutation, strict=True).fields}
    own = {name for name, each in vars(module).items() if isinstance(each, StrawberryField)}
    assert own
    assert own <= joined


@pytest.mark.parametrize("module", modules(queries), ids=lambda module: module.__name__)
def test_schema_has_the_queries_of_every_module(module: ModuleType) -> None:
    own = [each for name, each in vars(module).items() if name.endswith("Queries") and has_object_definition(each)]
    assert own
    assert all(issubclass(Query, each) for each in own)

"""Checks of the database's URL and servers before the service starts."""

import pytest
from pymongo.errors import ConfigurationError as DriverConfigurationError
from pymongo.errors import OperationFailure

from app.settings import ConfigurationError
from app.store.servers import _check_replica_set, check_servers, check_url, refused_commands


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://h1,h2:27018,[::1]/?replicaSet=rs0&tls=true",
        "mongodb://john:p%40ss%2F@h.example.com/profiles?authSource=admin",
        "mongodb://h/?authMechanism=MONGODB-X509&tls=true",
        "mongodb://%2Frun%2Fmongodb.sock/",
    ],
)
def test_valid_url_is_accepted(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("h:27017", "must begin with"),
        ("mongodb://john:hush@/", "no host"),
        ("mongodb://john:hu?sh@h/", "percent-encoded"),
        ("mongodb://john:hu%sh@h/", "percent-encoded"),
        ("mongodb://h:port/", "host or port"),
        ("mongodb://h,,h/", "host or port"),
        ("mongodb://h..h/", "host or port"),
        ("mongodb://h/a b", "path or options"),
        ("mongodb://h/?w", "option w"),
        ("mongodb://h/?maxPoolSize=many", "option maxPoolSize"),
        ("mongodb://h/?tls=true&tlsCAFile=/none", "tlsCAFile"),
        ("mongodb://h/?readPreference=secondary", "readPreference"),
        ("mongodb://h,h2/?directConnection=true", "path or options"),
    ],
)
def test_url_that_cannot_work_is_refused_without_secrets(url: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^PROFILE_API_MONGODB_URL ") as refused:
        check_url(url)
    assert told in str(refused.value)
    assert "hu" not in str(refused.value)


def test_start_waits_for_a_server_that_may_come_up() -> None:
    assert check_servers("mongodb://127.0.0.1:1,[::1]:1/") == "127.0.0.1:1, [::1]:1 does not answer"


def test_running_replica_set_has_no_problem(mongod_url: str) -> None:
    assert check_servers(mongod_url) is None


def test_mongos_needs_no_replica_set() -> None:
    _check_replica_set({"msg": "isdbgrid"}, "rs0")


def test_replica_set_that_is_not_initiated_is_explained() -> None:
    with pytest.raises(ConfigurationError, match=r"transactions need: run rs.initiate\(\) in mongosh"):
        _check_replica_set({"isreplicaset": True}, None)


@pytest.mark.parametrize(
    "error", [OperationFailure("hush", 13), OperationFailure("hush", 18), DriverConfigurationError()]
)
def test_refused_command_names_the_variable(error: Exception) -> None:
    with pytest.raises(ConfigurationError, match=r"^PROFILE_API_MONGODB_URL"), refused_commands("profiles"):
        raise error


def test_other_failure_of_a_command_is_raised() -> None:
    with pytest.raises(OperationFailure), refused_commands("profiles"):
        raise OperationFailure("a fault", 2)

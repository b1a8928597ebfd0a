"""What an error of the database means: the rows' fault, a race, or the server's."""

from __future__ import annotations

from typing import Any

import pg8000.dbapi
import pytest
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoResultFound, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chalicelib.db.faults import Blame, blame, is_outage, sqlstate


def of_postgres(state: str) -> DBAPIError:
    """An error with this SQLSTATE, as SQLAlchemy hands it on."""
    return ProgrammingError("select", {}, pg8000.dbapi.ProgrammingError({"C": state, "M": "…"}))


def lost() -> DBAPIError:
    """The connection broke: an error without a SQLSTATE."""
    return InterfaceError("select", {}, pg8000.dbapi.InterfaceError("network error"))


def test_the_sqlstate_is_found_in_errors_of_postgres_only() -> None:
    """From SQLAlchemy's wrapping, from the driver's own error, and nowhere else."""
    assert sqlstate(of_postgres("23502")) == "23502"
    assert sqlstate(pg8000.dbapi.ProgrammingError({"C": "40P01"})) == "40P01"
    assert sqlstate(lost()) == sqlstate(KeyError("C")) == sqlstate(KeyError()) == ""


@pytest.mark.parametrize("state", ["22P02", "22P05", "22003", "22008", "22021", "23502", "23514", "21000"])
def test_bad_rows_are_to_blame_for_themselves(state: str) -> None:
    """They would fail again, so the job is charged an attempt."""
    assert blame(of_postgres(state)) is Blame.DATA
    assert not is_outage(of_postgres(state))


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_a_race_is_nobodys_fault(state: str) -> None:
    """The same work may succeed at once."""
    assert blame(of_postgres(state)) is Blame.RACE
    assert not is_outage(of_postgres(state))


@pytest.mark.parametrize("state", ["57P01", "57P03", "57014", "53300", "53100", "08006", "25006", "28P01", "3D000"])
def test_a_server_that_cannot_serve_is_an_outage(state: str) -> None:
    """Shutting down, starting, full, read-only, closed to us: no job is charged for that."""
    assert blame(of_postgres(state)) is Blame.SERVER
    assert is_outage(of_postgres(state))


@pytest.mark.parametrize("error", [lost(), ConnectionRefusedError(), TimeoutError(), OSError(), PoolTimeout()])
def test_a_lost_connection_is_an_outage(error: Exception) -> None:
    """However it shows."""
    assert blame(error) is Blame.SERVER
    assert is_outage(error)


@pytest.mark.parametrize("state", ["42P01", "42703", "42501", "42601", "XX000"])
def test_a_wrong_query_is_no_outage_and_no_fault_of_the_rows(state: str) -> None:
    """A missing table or right is ours to mend: the jobs wait, and the request is told 500 rather than 503."""
    assert blame(of_postgres(state)) is Blame.SERVER
    assert not is_outage(of_postgres(state))


@pytest.mark.parametrize("error", [ArgumentError("wrong"), NoResultFound("none"), KeyError("x"), ValueError("x")])
def test_a_mistake_of_ours_is_no_outage(error: Exception) -> None:
    """Postgres is there; saying that it is not would send somebody to look in the wrong place."""
    assert not is_outage(error)


def test_text_that_is_no_text_is_the_rows_fault() -> None:
    """Bytes that are no UTF-8 never become any, however long the job waits."""
    with pytest.raises(UnicodeDecodeError) as broken:
        b"\xff".decode()
    assert blame(broken.value) is Blame.DATA


def test_an_operational_error_of_the_driver_is_judged_like_any_other() -> None:
    """By its SQLSTATE, not by its class."""
    inner: Any = pg8000.dbapi.OperationalError({"C": "23505"})
    assert blame(OperationalError("insert", {}, inner)) is Blame.DATA

"""Read a bundle: the manifest says which files count and how, each row becomes a value or a problem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic

from chalicelib.services.roster_import import rows
from chalicelib.services.roster_import.bundle import MANIFEST, Bundle, open_bundle
from chalicelib.services.roster_import.problems import RowProblem, refused
from chalicelib.services.roster_import.references import check
from chalicelib.services.roster_import.roster import Mode, R, Role, Roster, Sheet
from chalicelib.services.roster_import.sheet import Row, has_column, read_rows


@dataclass(frozen=True)
class _File(Generic[R]):
    """How a file of the standard is read."""

    name: str
    required: tuple[str, ...]
    build: Callable[[Row], R]
    owner: str = "sourcedId"
    """The column of the id whose present state a bad row leaves alone."""
    whole_when_gone: bool = False
    """Whether a row marked `tobedeleted` is needed in full, not only its id."""


_ORGS = _File("orgs.csv", ("sourcedId", "name", "type"), rows.org)
_SESSIONS = _File("academicSessions.csv", ("sourcedId", "title", "type", "startDate", "endDate"), rows.session)
_COURSES = _File("courses.csv", ("sourcedId", "title"), rows.course)
_CLASSES = _File(
    "classes.csv", ("sourcedId", "title", "classType", "schoolSourcedId", "termSourcedIds"), rows.school_class
)
_USERS = _File("users.csv", ("sourcedId", "givenName", "familyName"), rows.user)
_ROLES = _File("roles.csv", ("sourcedId", "userSourcedId", "role"), rows.role, "userSourcedId", whole_when_gone=True)
_ENROLLMENTS = _File("enrollments.csv", ("sourcedId", "classSourcedId", "userSourcedId", "role"), rows.enrollment)
# Before 1.2 a user had one role, in a column of users.csv.
_ROLES_OF_USERS = _File("users.csv", ("sourcedId", "role"), rows.role_of_user)
_FILES = (_ORGS, _SESSIONS, _COURSES, _CLASSES, _USERS, _ROLES, _ENROLLMENTS)


def read_bundle(path: Path) -> Roster:
    """Read the folder or zip at `path`: the good rows, and a problem for each thing that is wrong with the others.

    A reference into a file that is there in full is checked here; one into a file that is not, at the import.
    Raises ImportRefused when the bundle as a whole cannot be read: no manifest, not a zip, a file or a column missing,
    not UTF-8, broken quoting, too large.
    """
    with open_bundle(path) as bundle:
        reader = _Reader(bundle, _manifest(bundle))
        roster = Roster(
            orgs=reader.sheet(_ORGS),
            sessions=reader.sheet(_SESSIONS),
            courses=reader.sheet(_COURSES),
            classes=reader.sheet(_CLASSES),
            users=reader.sheet(_USERS),
            roles=reader.roles(),
            enrollments=reader.sheet(_ENROLLMENTS),
            ended_roles=tuple(reader.ended_roles),
            problems=tuple(reader.problems),
        )
    checked = check(roster)
    return replace(checked, problems=tuple(sorted(set(checked.problems))))


def _manifest(bundle: Bundle) -> dict[str, Mode]:
    """The mode of each file that is listed, by lower-case file name."""
    modes: dict[str, Mode] = {}
    for row in read_rows(MANIFEST, bundle.text(MANIFEST), ("propertyName", "value")):
        key, value = (row.optional("propertyName") or "").lower(), (row.optional("value") or "").lower()
        if row.problems:
            raise refused(MANIFEST, row.problems[0].reason, line=row.line)
        if key == "oneroster.version" and not value.startswith("1."):
            raise refused(MANIFEST, f"OneRoster version {value!r} is not 1.2.", line=row.line, column="value")
        if key.startswith("file."):
            if value not in set(Mode):
                raise refused(MANIFEST, f"{value!r} is not bulk, delta or absent.", line=row.line, column="value")
            modes[f"{key.removeprefix('file.')}.csv"] = Mode(value)
    for file in _FILES:
        mode = modes.get(file.name.lower())
        if mode is None and file.name in bundle:
            raise refused(MANIFEST, f"does not say whether {file.name} is bulk, delta or absent.")
        if mode in {Mode.BULK, Mode.DELTA} and file.name not in bundle:
            raise refused(file.name, f"is missing, though the manifest says {mode}.")
    return modes


class _Reader:
    """Reads the files of one bundle and collects what is wrong with them."""

    def __init__(self, bundle: Bundle, modes: dict[str, Mode]) -> None:
        self._bundle = bundle
        self._modes = modes
        self._texts: dict[str, str] = {}
        self.problems: list[RowProblem] = []
        self.ended_roles: list[Role] = []

    def sheet(self, file: _File[R]) -> Sheet[R]:
        """All rows of a file."""
        mode = self._modes.get(file.name.lower(), Mode.ABSENT)
        if mode is Mode.ABSENT:
            return Sheet()
        seen: dict[str, int] = {}
        good: list[R] = []
        gone: set[str] = set()
        held: set[str] = set()
        for row in read_rows(file.name, self._text(file.name), file.required):
            key = row.id("sourcedId")
            leaves = self._leaves(row)
            if key in seen:
                row.problem("sourcedId", f"{key!r} was on line {seen[key]} already.")
            seen.setdefault(key, row.line)
            if leaves and not row.problems and not file.whole_when_gone:
                gone.add(key)
                continue
            value = None if row.problems else file.build(row)
            if value is None or row.problems:
                self.problems += row.problems
                held.add(row.id(file.owner))
            elif leaves and isinstance(value, Role):
                self.ended_roles.append(value)
            else:
                good.append(value)
        return Sheet(mode, tuple(good), frozenset(gone), frozenset(held))

    def roles(self) -> Sheet[Role]:
        """The roles, from their own file, else from a column of users.csv. Raises ImportRefused for neither."""
        users = self._modes.get(_USERS.name, Mode.ABSENT)
        if self._modes.get(_ROLES.name, Mode.ABSENT) is not Mode.ABSENT or users is Mode.ABSENT:
            return self.sheet(_ROLES)
        if has_column(_USERS.name, self._text(_USERS.name), "role"):
            return self.sheet(_ROLES_OF_USERS)
        if users is Mode.BULK:
            raise refused(_ROLES.name, "is needed: without roles nobody can be told from anybody.")
        return Sheet()

    def _text(self, name: str) -> str:
        if name not in self._texts:
            self._texts[name] = self._bundle.text(name)
        return self._texts[name]

    @staticmethod
    def _leaves(row: Row) -> bool:
        status = (row.optional("status") or "active").lower()
        if status not in {"active", "tobedeleted"}:
            row.problem("status", f"{status!r} is not active or tobedeleted.")
        return status == "tobedeleted"

"""Reading tells each bad row by file, line, column and reason, and keeps the good ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.services.roster_import import ImportRefused, Roster, RowProblem, read_bundle
from chalicelib.services.roster_import.roster import Mode
from tests.oneroster import Files, enrolled, manifest, row, save, small_school, texts, to_csv, without


@pytest.fixture
def files() -> Files:
    return small_school()


def problems(folder: Path, contents: dict[str, str]) -> list[tuple[str, int, str]]:
    """File, line and column of all problems of a bundle."""
    return [(one.file, one.line, one.column) for one in read_bundle(save(folder, contents)).problems]


def refusal(folder: Path, contents: Mapping[str, str | bytes]) -> ImportRefused:
    """The refusal of a bundle."""
    with pytest.raises(ImportRefused) as caught:
        read_bundle(save(folder, contents))
    return caught.value


def test_a_sound_bundle_has_no_problems(tmp_path: Path, files: Files) -> None:
    roster = read_bundle(save(tmp_path / "a", texts(files)))
    assert roster.problems == roster.warnings == ()
    art = next(one for one in roster.classes.rows if one.source_id == "art")
    assert (art.periods, art.sessions, art.course) == (("2 - Morning", "Noon"), ("fall",), "c-art")
    ann = next(one for one in roster.users.rows if one.source_id == "ann")
    assert ann.agents == ("eve", "max")
    assert {one.job for one in roster.roles.rows if one.user == "eve"} == {"teacher", "parent"}


def test_sms_comes_before_phone(tmp_path: Path, files: Files) -> None:
    users = {one.source_id: one for one in read_bundle(save(tmp_path / "a", texts(files))).users.rows}
    assert (users["eve"].phone, users["max"].phone) == ("+1 555 0100", "+1 555 0101")


def test_byte_order_mark_crlf_blank_lines_unknown_columns_and_unknown_files_do_no_harm(
    tmp_path: Path, files: Files
) -> None:
    files["users"][0]["metadata.bus"] = "7"
    contents: dict[str, str | bytes] = {}
    for name, text in texts(files).items():
        unix = text.replace("\r\n", "\n")
        contents[name] = b"\xef\xbb\xbf" + ("\r\n" + unix.replace("\n", "\r\n\r\n") + ",,\r\n\r\n").encode()
    contents["demographics.csv"] = b"\xff\xfe not even text"
    contents["readme.txt"] = b"hello"
    roster = read_bundle(save(tmp_path / "a", contents))
    assert roster.problems == ()
    assert len(roster.users.rows) == 5


def test_names_are_trimmed(tmp_path: Path, files: Files) -> None:
    files["users"][0] |= {"givenName": "  Ann\t", "familyName": " van Abel "}
    ann = read_bundle(save(tmp_path / "a", texts(files))).users.rows[0]
    assert (ann.given_name, ann.family_name) == ("Ann", "van Abel")


def test_a_line_is_the_physical_line_where_the_row_begins(tmp_path: Path, files: Files) -> None:
    files["users"][0]["familyName"] = "Abel\n(two\nmore lines)"
    files["users"][1]["familyName"] = ""
    assert problems(tmp_path / "a", texts(files)) == [("users.csv", 5, "familyName")]


BAD_CELLS = [
    ("users", "bob", "givenName", " ", "must not be blank"),
    ("users", "bob", "familyName", "B\0ll", "NUL"),
    ("users", "bob", "status", "gone", "not active or tobedeleted"),
    ("users", "bob", "agentSourcedIds", "nobody", "'nobody' is unknown"),
    ("orgs", "d", "name", "", "must not be blank"),
    ("academicSessions", "fall", "startDate", "24/08/2026", "is no date"),
    ("academicSessions", "fall", "startDate", "2026-02-30", "is no date"),
    ("academicSessions", "fall", "endDate", "20261218", "is no date"),
    ("academicSessions", "fall", "endDate", "2026-08-01", "before startDate"),
    ("academicSessions", "year", "startDate", "1926-08-24", "ten years"),
    ("classes", "art", "classType", "club", "not homeroom or scheduled"),
    ("classes", "art", "schoolSourcedId", "s9", "'s9' is unknown"),
    ("classes", "art", "schoolSourcedId", "d", "'d' is unknown"),
    ("classes", "art", "termSourcedIds", "fall,never", "'never' is unknown"),
    ("classes", "art", "termSourcedIds", " , ", "must not be blank"),
    ("classes", "art", "courseSourcedId", "c-none", "'c-none' is unknown"),
    ("roles", "bob-student", "role", "wizard", "no role of the standard"),
    ("roles", "bob-student", "userSourcedId", "nobody", "'nobody' is unknown"),
    ("enrollments", "e1", "classSourcedId", "none", "'none' is unknown"),
    ("enrollments", "e1", "userSourcedId", "nobody", "'nobody' is unknown"),
    ("enrollments", "e1", "userSourcedId", "max", "not a student by role"),
    ("enrollments", "e4", "userSourcedId", "ann", "not a member of staff by role"),
    ("enrollments", "e1", "role", "owner", "no role in a class"),
    ("enrollments", "e1", "beginDate", "soon", "is no date"),
    ("enrollments", "e1", "endDate", "2026-08-23", "ends before it begins"),
    ("enrollments", "e2", "endDate", "2026-08-23", "ends before it begins"),
]


@pytest.mark.parametrize(("file", "key", "column", "value", "reason"), BAD_CELLS)
def test_a_bad_cell_is_told_by_file_line_column_and_reason(
    tmp_path: Path, files: Files, file: str, key: str, column: str, value: str, reason: str
) -> None:
    bad = row(files, file, key)
    bad[column] = value
    found = read_bundle(save(tmp_path / "a", texts(files))).problems
    told = [one for one in found if (one.file, one.line) == (f"{file}.csv", files[file].index(bad) + 2)]
    assert [one.column for one in told] == [column]
    assert reason in told[0].reason


def test_a_student_whose_contact_is_unknown_is_read_all_the_same(tmp_path: Path, files: Files) -> None:
    files["users"][0]["agentSourcedIds"] = "eve,nobody"
    roster = read_bundle(save(tmp_path / "a", texts(files)))
    assert roster.users.rows[0].agents == ("eve",)
    assert [str(one) for one in roster.problems] == ["users.csv:2: agentSourcedIds: the user 'nobody' is unknown."]


def test_a_second_row_with_the_same_id_is_bad(tmp_path: Path, files: Files) -> None:
    files["users"].append({**files["users"][0], "givenName": "Anna"})
    roster = read_bundle(save(tmp_path / "a", texts(files)))
    assert [str(one) for one in roster.problems] == ["users.csv:7: sourcedId: 'ann' was on line 2 already."]
    assert roster.users.rows[0].given_name == "Ann"


def test_a_row_with_too_many_or_too_few_cells_is_bad(tmp_path: Path, files: Files) -> None:
    contents = texts(files)
    contents["orgs.csv"] += "s2,,Dale School,school,d,unquoted,list\r\ns3,,Vale School\r\n"
    assert problems(tmp_path / "a", contents) == [("orgs.csv", 4, ""), ("orgs.csv", 5, "")]


def test_an_id_that_is_too_long_is_bad(tmp_path: Path, files: Files) -> None:
    files["courses"].append({"sourcedId": "x" * 256, "title": "Long"})
    assert problems(tmp_path / "a", texts(files)) == [("courses.csv", 3, "sourcedId")]


def test_all_faults_of_a_row_are_told_at_once(tmp_path: Path, files: Files) -> None:
    files["users"][1] |= {"givenName": "", "familyName": ""}
    assert problems(tmp_path / "a", texts(files)) == [("users.csv", 3, "familyName"), ("users.csv", 3, "givenName")]


def test_a_row_of_a_bad_row_is_judged_at_the_import(tmp_path: Path, files: Files) -> None:
    """The class may be there from an earlier import, and then its enrolments are good."""
    row(files, "classes", "art")["title"] = ""
    assert problems(tmp_path / "a", texts(files)) == [("classes.csv", 3, "title")]


def test_a_user_without_a_role_is_a_warning(tmp_path: Path, files: Files) -> None:
    roster = read_bundle(save(tmp_path / "a", texts(without(files, "roles", "max-guardian"))))
    assert roster.problems == ()
    assert [(one.line, one.column) for one in roster.warnings] == [(2, "agentSourcedIds"), (5, "sourcedId")]


def test_rows_to_be_deleted_need_no_more_than_their_id(tmp_path: Path, files: Files) -> None:
    delta = {"users": [{"sourcedId": "ann", "status": "tobedeleted", "givenName": "", "familyName": ""}]}
    users = read_bundle(save(tmp_path / "a", texts(delta, "delta"))).users
    assert users.mode is Mode.DELTA
    assert users.rows == ()
    assert users.gone == frozenset({"ann"})


def test_references_into_files_that_are_not_complete_are_left_to_the_import(tmp_path: Path) -> None:
    delta = {"enrollments": [enrolled("e9", "other", "somebody", "student")]}
    roster = read_bundle(save(tmp_path / "a", texts(delta, "delta")))
    assert roster.problems == ()
    assert len(roster.enrollments.rows) == 1


def test_a_role_in_users_counts_when_there_are_no_roles(tmp_path: Path, files: Files) -> None:
    """As it was before version 1.2."""
    for user, role in zip(files["users"], ("student", "student", "teacher", "guardian", "aide"), strict=True):
        user["role"] = role
    del files["roles"]
    roster = read_bundle(save(tmp_path / "a", texts(files)))
    assert roster.problems == ()
    assert {one.user: one.job for one in roster.roles.rows}["eve"] == "teacher"


def test_nine_thousand_nine_hundred_and_ninety_nine_means_no_end(tmp_path: Path, files: Files) -> None:
    files["enrollments"][0]["endDate"] = "9999-12-31"
    roster = read_bundle(save(tmp_path / "a", texts(files)))
    assert roster.problems == ()
    assert roster.enrollments.rows[0].end == date.max


@pytest.mark.parametrize("file", ["orgs", "users", "enrollments"])
def test_a_file_that_the_manifest_promises_must_be_there(tmp_path: Path, files: Files, file: str) -> None:
    contents = texts(files)
    del contents[f"{file}.csv"]
    error = refusal(tmp_path / "a", contents)
    assert error.problems == (RowProblem(f"{file}.csv", 0, "", "is missing, though the manifest says bulk."),)


def test_a_file_that_the_manifest_calls_absent_is_not_read(tmp_path: Path, files: Files) -> None:
    contents = texts(files, enrollments="absent") | {"enrollments.csv": "not,a,roster"}
    assert read_bundle(save(tmp_path / "a", contents)).enrollments.rows == ()


def test_users_without_any_roles_are_refused(tmp_path: Path, files: Files) -> None:
    """Else a forgotten file would make everybody leave."""
    assert "roles.csv: is needed" in str(refusal(tmp_path / "a", texts(files, roles="absent")))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("propertyName,value\nfile.users,sometimes\n", "'sometimes' is not bulk, delta or absent"),
        ("propertyName,value\nfile.orgs,bulk\n", "does not say whether academicSessions.csv"),
        ("propertyName,value\noneroster.version,2.0\n", "version '2.0'"),
        ("name,value\n", "lacks the columns propertyName"),
        ("", "lacks the columns propertyName, value"),
    ],
)
def test_a_manifest_that_leaves_doubts_is_refused(tmp_path: Path, files: Files, text: str, reason: str) -> None:
    error = refusal(tmp_path / "a", texts(files) | {"manifest.csv": text})
    assert "manifest.csv" in str(error)
    assert reason in str(error)


def test_missing_columns_are_all_named(tmp_path: Path, files: Files) -> None:
    error = refusal(tmp_path / "a", texts(files) | {"users.csv": "sourcedId,email\r\n"})
    assert [(one.file, one.column) for one in error.problems] == [
        ("users.csv", "givenName"),
        ("users.csv", "familyName"),
    ]


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path, files: Files) -> None:
    assert "twice" in str(refusal(tmp_path / "a", texts(files) | {"courses.csv": "sourcedId,title,Title\r\n"}))


def test_a_header_of_very_many_columns_is_read_in_one_pass(tmp_path: Path, files: Files) -> None:
    """Comparing each with all others would take minutes, and a megabyte of them hours."""
    header = ",".join(["sourcedId", "title", *(f"x{n}" for n in range(100_000))])
    good = texts(files) | {"courses.csv": f"{header}\r\nc-art,Art{',' * 100_000}\r\n"}
    assert not read_bundle(save(tmp_path / "a", good)).problems
    message = str(refusal(tmp_path / "b", texts(files) | {"courses.csv": f"{header},{header}\r\n"}))
    assert "twice" in message
    assert len(message) < 500


def test_text_that_is_not_utf_8_is_refused_by_file(tmp_path: Path, files: Files) -> None:
    contents: dict[str, str | bytes] = {**texts(files), "users.csv": to_csv("users", files["users"]).encode("utf-16")}
    assert str(refusal(tmp_path / "a", contents)).startswith("users.csv: is not UTF-8")


def test_a_quote_that_is_never_closed_is_refused_where_it_begins(tmp_path: Path, files: Files) -> None:
    """Else it would swallow the rows after it, and who is in them would have left."""
    contents = texts(files)
    contents["orgs.csv"] = contents["orgs.csv"].replace("Hill School", '"Hill School')
    error = refusal(tmp_path / "a", contents)
    assert (error.problems[0].file, error.problems[0].line) == ("orgs.csv", 3)


HEADER = "sourcedId,status,givenName,familyName,agentSourcedIds\n"
CELL = st.sampled_from(["", "a", "b", " ", '"', '"x,y"', "\0", "é", "\n", "\r", "tobedeleted", "a,b", "\u2028"])
LINES = st.lists(st.lists(CELL, max_size=6).map(",".join), max_size=6).map("\n".join)


@given(st.binary(max_size=200) | LINES.map(lambda lines: (HEADER + lines).encode()))
@example(b"\xef\xbb\xbf")
@example(b"sourcedId,givenName,familyName\n\r,\n" + b"x" * 140_000)
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_a_roster_or_a_clear_refusal(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("any") / "a"
    save(folder, {"manifest.csv": manifest({"users": "delta"}), "users.csv": content})
    roster: Roster | None = None
    error: ImportRefused | None = None
    try:
        roster = read_bundle(folder)
    except ImportRefused as refused:
        error = refused
    if error is not None:
        assert error.problems[0].file == "users.csv"
    if roster is not None:
        assert all(one.given_name == one.given_name.strip() != "" for one in roster.users.rows)


@given(st.binary(max_size=120))
@settings(max_examples=60, deadline=None)
def test_any_bytes_as_a_manifest_give_a_roster_or_a_clear_refusal(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = save(tmp_path_factory.mktemp("any") / "a", {"manifest.csv": content})
    with pytest.raises(ImportRefused, match=r"manifest\.csv"):
        read_bundle(folder)

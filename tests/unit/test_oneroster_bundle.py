"""A bundle is a folder or a zip; what comes from outside cannot reach out, grow without bound or end in a surprise."""

from __future__ import annotations

import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.services.roster_import import ImportRefused, Roster, read_bundle
from chalicelib.services.roster_import.bundle import open_bundle
from tests.oneroster import save, small_school, texts, zipped


def refusal(path: Path) -> str:
    """The message with which a bundle is refused."""
    with pytest.raises(ImportRefused) as caught:
        read_bundle(path)
    return str(caught.value)


def test_folder_and_zip_with_files_at_the_root_or_in_one_folder_read_alike(tmp_path: Path) -> None:
    contents = texts(small_school())
    nested = {f"export 2026/{name}": text for name, text in contents.items()}
    paths = [
        save(tmp_path / "flat", contents),
        save(tmp_path / "outer" / "inner", contents).parent,
        zipped(tmp_path / "flat.zip", contents),
        zipped(tmp_path / "nested.zip", nested | {"__MACOSX/export 2026/._users.csv": b"\0\5\26\7"}),
    ]
    first, *others = [read_bundle(path) for path in paths]
    assert len(first.users.rows) == 5
    assert not first.problems
    assert all(other == first for other in others)


def test_case_of_file_names_does_not_matter(tmp_path: Path) -> None:
    contents = {name.upper(): text for name, text in texts(small_school()).items()}
    assert len(read_bundle(zipped(tmp_path / "a.zip", contents)).users.rows) == 5


def test_two_names_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    contents = texts(small_school()) | {"Users.csv": "sourcedId"}
    assert "differ only in case" in refusal(zipped(tmp_path / "a.zip", contents))


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    contents = texts(small_school())
    del contents["manifest.csv"]
    assert "manifest.csv: is missing" in refusal(save(tmp_path / "a", contents))
    assert "manifest.csv: is missing" in refusal(zipped(tmp_path / "a.zip", contents))


def test_two_bundles_in_one_are_refused(tmp_path: Path) -> None:
    contents = {f"{folder}/{name}": text for folder in "ab" for name, text in texts(small_school()).items()}
    assert "2 manifests" in refusal(zipped(tmp_path / "a.zip", contents))


def test_what_is_no_zip_or_not_there_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("sourcedId,name")
    assert refusal(tmp_path / "a.zip").startswith("a.zip: is not a zip file")
    assert refusal(tmp_path / "b.zip").startswith("b.zip: there is no such file")


@pytest.mark.parametrize(
    "name", ["../users.csv", "/etc/users.csv", "a/../../users.csv", "..\\users.csv", "C:\\users.csv"]
)
def test_a_zip_whose_paths_lead_out_of_it_is_refused(tmp_path: Path, name: str) -> None:
    assert "leads out of it" in refusal(zipped(tmp_path / "a.zip", texts(small_school()) | {name: "x"}))


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", texts(small_school()))
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")  # the last entry of the directory; bit 0 of its flags says `encrypted`
    data[at + 8] |= 1
    path.write_bytes(data)
    assert "is encrypted" in refusal(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_zip_that_is_packed_otherwise_than_exporters_do_is_refused(tmp_path: Path, method: int) -> None:
    """LZMA lets the file say how many gigabytes of memory its reader must have."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, text in texts(small_school()).items():
            archive.writestr(name, text)
    assert "packed by a method that is not read here" in refusal(path)


def test_what_unpacks_to_more_than_the_bound_is_refused_however_small_it_is_packed(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", texts(small_school()) | {"users.csv": "x" * 3_000_000})
    assert path.stat().st_size < 30_000
    with open_bundle(path, max_bytes=1_000_000) as bundle, pytest.raises(ImportRefused, match=r"users\.csv.*too large"):
        bundle.text("users.csv")


def test_the_bound_is_on_all_files_together(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"manifest.csv": "x" * 600, "users.csv": "x" * 600})
    with open_bundle(path, max_bytes=1_000) as bundle:
        bundle.text("manifest.csv")
        with pytest.raises(ImportRefused, match="too large"):
            bundle.text("users.csv")


def test_a_zip_whose_member_says_it_is_smaller_than_it_is_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", texts(small_school()))
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("users.csv")
    at = data.rindex(b"users.csv") - 46
    data[at + 24 : at + 28] = struct.pack("<I", member.file_size - 7)
    path.write_bytes(data)
    assert "users.csv: cannot be read" in refusal(path)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_zip_gives_a_roster_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = zipped(tmp_path_factory.mktemp("zip") / "a.zip", texts(small_school()))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))] if data.draw(st.booleans()) else content)
    with suppress(ImportRefused):
        assert isinstance(read_bundle(path), Roster)

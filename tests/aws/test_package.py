"""What is in the package: all that the functions need and nothing else, small, for one machine, always the same."""

from __future__ import annotations

import json
import os
import re
import zipfile
from pathlib import Path

import pytest

from local.folder import ROOT
from local.packaging import MAX_ZIP, Architecture, Package, PackageFault, build, this_machine
from local.packaging.contents import check, distributions, foreign, pinned, top_level
from local.packaging.finish import finish
from local.packaging.wheels import fetch_wheels
from tests.aws.conftest import HERE

pytestmark = pytest.mark.aws


@pytest.fixture
def zipped(package: Package) -> zipfile.ZipFile:
    """The zip, open for reading."""
    return zipfile.ZipFile(package.zip)


def spoiled(package: Package, folder: Path, without: str, added: dict[str, bytes]) -> Package:
    """A copy of the package whose zip lacks the files that begin so, and has others."""
    other = Package(folder)
    other.description.write_bytes(package.description.read_bytes())
    if without:
        with zipfile.ZipFile(package.zip) as source, zipfile.ZipFile(other.zip, "w", zipfile.ZIP_DEFLATED) as target:
            for entry in source.infolist():
                if not entry.filename.startswith(without):
                    target.writestr(entry, source.read(entry))
    else:
        other.zip.write_bytes(package.zip.read_bytes())
    with zipfile.ZipFile(other.zip, "a") as target:
        for name, content in added.items():
            target.writestr(name, content)
    return other


def test_it_is_small(package: Package) -> None:
    """Lambda takes 50 MB by an upload."""
    assert 5_000_000 < package.zip.stat().st_size <= MAX_ZIP == 25_000_000


def test_it_holds_what_requirements_txt_pins_and_no_dev_dependency(zipped: zipfile.ZipFile) -> None:
    """By name and version; and at the top nothing that is only in requirements-dev.txt."""
    assert distributions(zipped) == pinned(ROOT / "requirements.txt")
    dev = pinned(ROOT / "requirements-dev.txt").keys() - pinned(ROOT / "requirements.txt").keys()
    assert {"pytest", "moto", "boto3", "uvicorn", "awslambdaric"} <= dev
    names = {re.sub(r"\W", "-", name.removesuffix(".py").lower()) for name in top_level(zipped.namelist())}
    assert not names & (dev - {"chalice"}), "of Chalice its runtime goes along"
    assert not {"tests", "local", "bench", "docs"} & names


@pytest.mark.parametrize(
    ("line", "told"),
    [
        pytest.param(f"six==1.17.0 --hash=sha256:{'0' * 64}", "DO NOT MATCH", id="another file than was pinned"),
        pytest.param("six==1.17.0", "Hashes are required", id="no hash"),
    ],
)
def test_a_wheel_that_is_not_the_pinned_one_stops_the_package(line: str, told: str, tmp_path: Path) -> None:
    """Whatever the index hands out under that name; there is nothing that Chalice could go on with."""
    (tmp_path / "requirements.txt").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(PackageFault, match=told):
        fetch_wheels(tmp_path / "requirements.txt", tmp_path / "wheels", this_machine())
    assert not list(tmp_path.glob("wheels/*"))


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_pin_has_its_hashes(name: str) -> None:
    """So that pip takes no file that was not there when it was pinned."""
    lines = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    assert len(lines) > 20
    assert [
        line for line in lines if not re.fullmatch(r"\S+==\S+(?: ; [^\\]+?)?(?:\s+--hash=sha256:[0-9a-f]{64})+", line)
    ] == []


def test_of_chalice_only_the_runtime_goes_along(zipped: zipfile.ZipFile) -> None:
    """Not its command line and its templates."""
    modules = {name for name in zipped.namelist() if name.startswith("chalice/") and name.endswith(".py")}
    assert modules == {"chalice/__init__.py", "chalice/app.py"}


def test_every_source_of_ours_is_there_and_no_more(zipped: zipfile.ZipFile) -> None:
    """SQL and Lua included; no cache of the machine that made it."""
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "chalicelib").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in zipped.namelist() if name.startswith("chalicelib/") and "__pycache__" not in name} == ours


def test_every_module_of_the_request_path_is_compiled(zipped: zipfile.ZipFile) -> None:
    """Lambda could keep nothing of what it compiled; and it must not compare dates, which the zip has none of."""
    compiled = {
        re.sub(r"__pycache__/|\.cpython-\d+(?=\.pyc)", "", name).removesuffix("c") for name in zipped.namelist()
    }
    needed = [
        name for name in zipped.namelist() if re.match(r"(app|chalicelib/.*|chalice/.*|redis/.*|jwt/.*)\.py$", name)
    ]
    assert len(needed) > 100
    assert [name for name in needed if f"{name}" not in compiled] == []
    caches = [name for name in zipped.namelist() if name.endswith(".pyc")]
    assert all(zipped.read(name)[4:8] == b"\x01\x00\x00\x00" for name in caches), "unchecked hash, as PEP 552 has it"


def test_every_function_of_app_py_is_described_with_its_limits(package: Package) -> None:
    """Names, time limits and memory stand in .chalice/config.json; API Gateway waits 29 s for the API."""
    limits = {name: (one.timeout_s, one.memory_mb) for name, one in package.functions.items()}
    assert limits == {
        "app": (29, 1769), "drain": (300, 1024), "drain_schedule": (300, 1024), "maintain": (60, 512),
        "migrate": (900, 1024), "import_roster": (900, 2048), "websocket_connect": (29, 512),
        "websocket_message": (29, 512), "websocket_disconnect": (29, 512),
    }  # fmt: skip
    assert {one.architecture for one in package.functions.values()} == {HERE}


def test_a_preflight_is_answered_by_the_function(package: Package) -> None:
    """On every path, as everything else: API Gateway's own answer would know one origin, fixed at the deployment."""
    [api] = json.loads(package.description.read_text())["locals"].values()
    paths = json.loads(api)["paths"]
    assert len(paths) > 15
    for path, methods in paths.items():
        kinds = {method: one["x-amazon-apigateway-integration"]["type"] for method, one in methods.items()}
        assert set(kinds.values()) == {"aws_proxy"}, path
        assert "options" in kinds, path


@pytest.mark.parametrize(
    ("without", "added", "told"),
    [
        ("", {"pytest/x.py": b"", "pytest-9.0.0.dist-info/RECORD": b"pytest/x.py,,\n"}, "pytest 9.0.0 is not in"),
        ("", {"stray/module.py": b""}, "stray belongs to no distribution"),
        ("redis-", {}, r"redis [\d.]+ is missing"),
        ("", {"jwt/native.so": b"\x7fELF" + bytes(14) + b"\x02\x00"}, "jwt/native.so is not for"),
        ("", {"jwt/large": os.urandom(MAX_ZIP)}, "bytes, more than 25,000,000"),
    ],
)
def test_a_package_that_is_wrong_is_refused(
    package: Package, tmp_path: Path, without: str, added: dict[str, bytes], told: str
) -> None:
    """Chalice itself would only remark on a dependency for which it found no wheel."""
    check(spoiled(package, tmp_path, "", {}), ROOT / "requirements.txt")
    with pytest.raises(PackageFault, match=told):
        check(spoiled(package, tmp_path, without, added), ROOT / "requirements.txt")


def test_the_same_sources_make_the_same_bytes(tmp_path: Path) -> None:
    """Whenever they were written and in whatever order: Terraform has nothing to deploy then."""
    sources = {"b.py": "x = {'a', 'b', 'c'}\n", "a/__init__.py": "", "a/x.sql": "select 1\n"}
    for name, files, year in (("one", list(sources), 2024), ("two", sorted(sources), 2026)):
        with zipfile.ZipFile(tmp_path / name, "w") as target:
            for file in files:
                target.writestr(zipfile.ZipInfo(file, (year, 1, 1, 0, 0, 0)), sources[file])
        finish(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    with zipfile.ZipFile(tmp_path / "one") as made:
        assert {"b.py", "a/x.sql"} < set(made.namelist())
        assert len([name for name in made.namelist() if name.endswith(".pyc")]) == 2


@pytest.mark.slow
def test_the_other_architecture_is_a_choice(tmp_path: Path) -> None:
    """Its libraries are for the machine that runs the functions, not for the one that packs; here, for a stage prod."""
    other: Architecture = "x86_64" if HERE == "arm64" else "arm64"
    made = build("prod", tmp_path, architecture=other)
    assert {one.architecture for one in made.functions.values()} == {other}
    assert made.functions["app"].environment["ROLLCALL_STAGE"] == "prod"
    with zipfile.ZipFile(made.zip) as zipped:
        assert len(foreign(zipped, HERE)) > 5
        assert not foreign(zipped, other)
    assert made.zip.stat().st_size <= MAX_ZIP


def test_a_stage_that_is_not_configured_is_refused(tmp_path: Path) -> None:
    """Chalice would make one up, with no variables."""
    with pytest.raises(PackageFault, match="no stage 'devv'"):
        build("devv", tmp_path)
    assert not list(tmp_path.iterdir())

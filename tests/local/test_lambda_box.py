"""The box keeps what Lambda keeps: time limits, sizes, what a function may see and write, what its errors become."""

from __future__ import annotations

import importlib.util
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.lambda_box import FunctionFailed, Isolation, LambdaBox, TooLargeEvent, unpack
from local.lambda_box.runtime_api import MAX_RESPONSE
from local.lambda_box.task import remove
from local.packaging import Function
from tests.aws.probe import LOOK

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("awslambdaric") is None, reason="AWS's runtime client comes for Linux only"
)

HANDLERS = """
import os
import time

calls = 0


def echo(event, context):
    return {"event": event, "request": context.aws_request_id, "arn": context.invoked_function_arn}


def count(event, context):
    global calls
    calls += 1
    return calls


def act(event, context):
    match event:
        case {"say": size}:
            return "x" * (size - 2)
        case {"sleep": seconds}:
            time.sleep(seconds)
        case {"exit": code}:
            os._exit(code)
        case {"raise": message}:
            raise KeyError(message)
    return "done"
"""


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small zip, unpacked, with a handler beside it that looks around."""
    folder = tmp_path_factory.mktemp("box")
    with zipfile.ZipFile(folder / "small.zip", "w") as zipped:
        zipped.writestr("handlers.py", HANDLERS)
        zipped.writestr("broken.py", "import nothing_of_that_name\n")
    task = unpack(folder / "small.zip", folder / "task", {"look.py": LOOK})
    yield task
    remove(task)


@pytest.fixture(scope="module", params=["as far apart as can be", "as oneself"])
def box(task: Path, request: pytest.FixtureRequest) -> Iterator[LambdaBox]:
    """Five functions of one second each; once as an ordinary user would run them."""
    plain = Isolation(apart=False, told="asked for") if request.param == "as oneself" else None
    handlers = ["handlers.echo", "handlers.count", "handlers.act", "look.handler", "broken.handler"]
    functions = {one: Function(one, one, timeout_s=1, environment={"COLOUR": "blue"}) for one in handlers}
    with LambdaBox(task, functions, {"SHAPE": "round"}, plain) as made:
        yield made


def failure(box: LambdaBox, function: str, event: object) -> FunctionFailed:
    """How an invocation fails."""
    with pytest.raises(FunctionFailed) as failed:
        box.invoke(function, event)
    return failed.value


def test_an_event_goes_in_and_an_answer_comes_out(box: LambdaBox) -> None:
    """With every character and size that JSON has, and with a request id of its own."""
    event = {"text": "ä€🙂\\u0000", "list": list(range(100_000))}
    one, two = (box.invoke("handlers.echo", event) for _ in range(2))
    assert one["event"] == two["event"] == event
    assert one["request"] != two["request"]
    assert one["arn"].endswith(":function:handlers.echo")


def test_a_process_is_kept_between_invocations(box: LambdaBox) -> None:
    """It started once, and how long that took is told."""
    first = box.invoke("handlers.count", {})
    assert box.invoke("handlers.count", {}) == first + 1
    assert box["handlers.count"].starts == 1
    assert 0 < box["handlers.count"].init_ms < 10_000


def test_what_a_function_raises_is_told_as_lambda_tells_it(box: LambdaBox) -> None:
    """By type, message and trace; the process lives on."""
    failed = failure(box, "handlers.act", {"raise": "a key"})
    assert (failed.error_type, failed.payload["errorMessage"]) == ("KeyError", "'a key'")
    assert "handlers.py" in str(failed.payload["stackTrace"])
    assert box.invoke("handlers.act", {}) == "done"


@pytest.mark.parametrize(
    ("event", "error"),
    [({"sleep": 30}, "Sandbox.Timedout"), ({"exit": 3}, "Runtime.ExitError")],
)
def test_who_takes_too_long_or_ends_is_started_anew(box: LambdaBox, event: object, error: str) -> None:
    """The time limit is enforced by a kill: nothing of the process is left for the next event."""
    box.invoke("handlers.act", {})
    starts = box["handlers.act"].starts
    assert failure(box, "handlers.act", event).error_type == error
    assert box.invoke("handlers.act", {}) == "done"
    assert box["handlers.act"].starts == starts + 1


def test_an_answer_may_have_six_megabytes_and_no_byte_more(box: LambdaBox) -> None:
    """The answer is refused, on which the runtime client ends; the next event is met by a new process."""
    assert len(box.invoke("handlers.act", {"say": MAX_RESPONSE})) == MAX_RESPONSE - 2
    starts = box["handlers.act"].starts
    failed = failure(box, "handlers.act", {"say": MAX_RESPONSE + 1})
    assert failed.error_type == "Function.ResponseSizeTooLarge"
    assert (box.invoke("handlers.act", {}), box["handlers.act"].starts) == ("done", starts + 1)


def test_an_event_may_have_six_megabytes(box: LambdaBox) -> None:
    """A larger one reaches no function."""
    count = box.invoke("handlers.count", {})
    with pytest.raises(TooLargeEvent):
        box.invoke("handlers.count", "x" * (6 * 1024 * 1024))
    assert box.invoke("handlers.count", {}) == count + 1


def test_a_module_that_cannot_be_imported_fails_every_invocation(box: LambdaBox) -> None:
    """With the reason, as the runtime client reports it."""
    for _ in range(2):
        failed = failure(box, "broken.handler", {})
        assert failed.error_type == "Runtime.ImportModuleError"
        assert "nothing_of_that_name" in failed.payload["errorMessage"]


def test_a_function_sees_its_zip_and_aws_runtime_and_nothing_of_ours(box: LambdaBox) -> None:
    """Else a dependency that is missing in the zip would be found in the developer's environment."""
    find = ["handlers", "boto3", "botocore", "awslambdaric", "pytest", "chalice", "redis", "sqlalchemy", "pip"]
    seen = box.invoke("look.handler", {"find": find})
    assert [name for name in find if seen["finds"][name]] == ["handlers", "boto3", "botocore", "awslambdaric"]
    assert {"COLOUR", "SHAPE", "AWS_REGION"} <= set(seen["variables"])
    assert "HOME" not in seen["variables"]
    assert seen["here"] == seen["task"]
    assert 0 < seen["left_ms"] <= 1000


def test_a_function_is_another_user_who_can_write_nothing_but_its_own_tmp(box: LambdaBox, task: Path) -> None:
    """As on AWS; where we may not do that, or did not ask for it, it runs as we do."""
    seen = box.invoke("look.handler", {"find": []})
    if box.isolation.apart:
        assert (seen["uid"], seen["task"]) == (65534, "/var/task")
        assert seen["writes"] == {"/var/task": False, "/var/runtime": False, "/tmp": True}
        assert seen["tmp"] == [], "nothing of this machine's"
    else:
        assert (seen["uid"], seen["task"]) == (os.getuid(), str(task))
        assert os.getuid() == 0 or not seen["writes"][str(task)]


def test_what_lies_beside_a_zip_does_not_hide_what_is_in_it(tmp_path: Path) -> None:
    """A probe must not stand in for the code that it looks at."""
    with zipfile.ZipFile(tmp_path / "small.zip", "w") as zipped:
        zipped.writestr("app.py", "")
    with pytest.raises(FileExistsError, match=r"app\.py is in the zip"):
        unpack(tmp_path / "small.zip", tmp_path / "task", {"app.py": "x = 1"})

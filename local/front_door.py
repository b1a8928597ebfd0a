"""The app of app.py with the settings of one stack, apart from every other use of it in this process."""

from __future__ import annotations

import runpy
from typing import cast

from chalice.app import Chalice

from chalicelib.container import Container
from local.folder import ROOT
from local.settings import Environment, in_environment


def front_door(environment: Environment) -> tuple[Chalice, Container]:
    """Run app.py once more, in names of its own, and make its container for `environment`.

    An import would give all stacks and tests of a process the same app, and it the settings of the first of them.
    """
    names = runpy.run_path(str(ROOT / "app.py"))
    with in_environment(environment):
        container = cast("Container", names["container"]())
        names["authenticator"]()
    return cast("Chalice", names["app"]), container

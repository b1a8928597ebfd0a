"""Handlers that are laid beside the unpacked zip, and tell how a function's process looks from within."""

from __future__ import annotations

PROBE = '''
"""The app's own handler, and a question beside it: which packages has this process imported?"""
import sys

import app


def handler(event, context):
    if "loaded" in event:
        return sorted({name.partition(".")[0] for name in sys.modules})
    return app.app(event, context)
'''

LOOK = '''
"""Who runs a function, and what it may write."""
import importlib.util
import os


def can_write(folder):
    try:
        path = os.path.join(folder, "written-by-a-function")
        with open(path, "w"):
            os.unlink(path)
        return True
    except OSError:
        return False


def handler(event, context):
    return {
        "uid": os.getuid(),
        "task": os.environ["LAMBDA_TASK_ROOT"],
        "here": os.getcwd(),
        "writes": {folder: can_write(folder) for folder in (os.getcwd(), os.environ["LAMBDA_RUNTIME_DIR"], "/tmp")},
        "tmp": sorted(os.listdir("/tmp")),
        "finds": {name: importlib.util.find_spec(name) is not None for name in event["find"]},
        "variables": sorted(os.environ),
        "left_ms": context.get_remaining_time_in_millis(),
    }
'''

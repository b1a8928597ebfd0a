"""What is sent by those who mean harm: texts that attack, and JSON that was tampered with."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

SQL = (
    "'", "''", '"', "' or '1'='1", "' or 1=1 --", "'; drop table student_attendance; --", "1; select pg_sleep(10)",
    "') or true; --", "\\'; select 1; --", "$$; drop table tenant; $$", "%", "_", "%' or '%'='", "{1,2}", "null",
    "' union select name, name, name from tenant --", ":tenant", "%s", "%(tenant)s",
    "set_config('app.tenant_ids','',true)", "/* */", "\u02bc or 1=1", "\uff07 or 1=1",
)  # fmt: skip
"""Statements that want to be run, and what templates of statements are made of."""

FORMULAS = (
    "=1+1", '=HYPERLINK("http://127.0.0.1/","Sick")', "+1+1", "-1+1", "@SUM(1,1)", "\t=1+1", "\r=1+1",
    "=cmd|' /C calc'!A0", "|calc", "%0A=1+1",
)  # fmt: skip
"""What a spreadsheet would calculate."""

LINES = (
    "ann\n2026-02-11 ERROR all is lost", "ann\r\nforged", "ann\x1b[2J", "ann\x85forged",
    "ann\u2028forged", "ann\x0bforged",
)  # fmt: skip
"""What would write a line of its own into a log, or clear the screen of whoever reads it."""

JSON_BOMBS = {
    "arrays nested deeply": b"[" * 200_000 + b"]" * 200_000,
    "arrays never closed": b"[" * 500_000,
    "objects nested deeply": b'{"records":' * 40_000 + b"1" + b"}" * 40_000,
    "deep inside a record": b'{"records":[{"remarks":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
    "an integer of 100,000 digits": b'{"records":[{"late_minutes":' + b"9" * 100_000 + b"}]}",
    "1e999": b'{"records":[{"late_minutes":1e999}]}',
    "an exponent of 1,000 digits": b'{"records":[{"late_minutes":1e' + b"9" * 1_000 + b"}]}",
    "NaN": b'{"records":[{"late_minutes":NaN}]}',
    "infinity": b'{"records":[{"late_minutes":-Infinity}]}',
    "a key twice": b'{"date":"2026-02-11","date":"2026-02-12"}',
    "a key twice, once escaped": b'{"records":[{"status":"LATE","st\\u0061tus":"ABSENT"}]}',
    "a lone surrogate": b'{"reason":"\\ud800"}',
    "a lone surrogate as a name": b'{"\\udfff":1}',
    "NUL": b'{"reason":"a\\u0000b"}',
    "NUL as a name": b'{"\\u0000":1}',
    "a bare NUL": b'{"reason":"a\0b"}',
    "a byte order mark": b'\xef\xbb\xbf{"records":[]}',
    "UTF-16": '{"records":[]}'.encode("utf-16"),
    "bytes that are no UTF-8": b'{"reason":"\xff\xfe"}',
    "an overlong slash": b'{"reason":"\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"reason":"\xed\xa0\x80"}',
    "20,000 unknown fields": b"{" + b",".join(b'"%d":0' % n for n in range(20_000)) + b"}",
    "340,000 empty records": b'{"records":[' + b",".join([b"{}"] * 340_000) + b"]}",
    "a name of a million characters": b'{"' + b"a" * 1_000_000 + b'":0}',
    "nothing but faults": b'{"records":[' + b",".join([b'{"\\u0001\\u0001":{},"status":[]}'] * 4_999) + b"]}",
}
"""Bodies of at most a mebibyte that want to break what reads them, or to keep it busy."""

_TOKENS = (
    b'"', b"\\", b"\\u0000", b"\\ud800", b"\\u0061", b"1e999", b"1e2", b"1.0", b"-0", b"9" * 5_000, b"NaN", b"Infinity",
    b"true", b"null", b"[", b"]", b"{", b"}", b",", b":", b"\xef\xbb\xbf", b"\xff", b"\xed\xa0\x80", b"\0", b"\x1f",
    b"\x7f", b" ", b"\n", b"\x0c", b'"date":', b'"records":', b'"status":"LATE",', b'"late_minutes":5,', b'{"a":1}',
    b'"2026-02-30"', b'"\xf0\x9f\xa4\x92"', b"/**/", b"'", b"[" * 3_000,
)  # fmt: skip

texts = st.text(st.characters(), max_size=40) | st.sampled_from([*SQL, *FORMULAS, *LINES, "\ud800", "\0", "../" * 9])
"""Any text at all, lone surrogates and NUL included."""


@st.composite
def tampered(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> bytes:
    """One of `values` as JSON, in which up to five places were cut or filled with something else."""
    text = json.dumps(draw(values), ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
    data = text.encode("utf-8", "surrogatepass")
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(data)))
        cut = draw(st.integers(0, 6))
        filling = draw(st.sampled_from(_TOKENS) | st.binary(max_size=4))
        data = data[:at] + filling + data[at + cut :]
    return data

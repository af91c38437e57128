"""
A line of an ignore file in the forms in which the official daemon shows it in ``/rest/db/ignores``: all
places that it matches, and all below them.

Source: ``expanded`` as 1.29.5 answers it.
"""

from __future__ import annotations

_BELOW = "/**"
_ANYWHERE = "**/"


def forms(line: str) -> list[str]:
    """:param line: neither comment nor directive."""
    rest, seen = line, set[str]()
    prefixes = ("!", "(?i)", "(?d)")
    while prefix := next((p for p in prefixes if p not in seen and rest.startswith(p)), ""):
        seen.add(prefix)
        rest = rest[len(prefix) :]
    head = "!" if "!" in seen else "(?d)" if "(?d)" in seen else ""
    if "(?i)" in seen:
        head, rest = head + "(?i)", rest.lower()
    if rest.endswith("/"):
        rest += "**"
    if rest.startswith("/"):
        bases = [rest]
    elif rest.startswith(_ANYWHERE):
        bases = [rest, rest.removeprefix(_ANYWHERE)]
    else:
        bases = [rest, _ANYWHERE + rest]
    below = [base + _BELOW for base in bases if not base.endswith(_BELOW)]
    return [head + base for base in (*bases, *below)]

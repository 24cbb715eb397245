"""Where the header that links to other pages says that there is more, in every spelling that servers send.

https://www.rfc-editor.org/rfc/rfc8288#section-3
"""

from __future__ import annotations

import re

_LONGEST = 16_384
_LINK = re.compile(r"<([^<>]*)>((?:\"[^\"]*\"|[^<,\"])*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s;,\"']+))", re.IGNORECASE)


def next_link(header: str) -> str:
    """Return the target of the first link whose relation, or one of whose relations, is ``next``; empty for none.

    Args:
        header: as it came, from whomever; several headers are joined by commas.
    """
    for target, parameters in _LINK.findall(header[:_LONGEST]):
        relation = _REL.search(parameters)
        if relation and "next" in "".join(filter(None, relation.groups())).lower().split():
            return str(target).strip()
    return ""

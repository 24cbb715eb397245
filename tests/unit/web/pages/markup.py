"""What a page may be made of: read back from its text, element by element."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = frozenset({"meta", "link", "input", "br"})
_ADDRESSES = frozenset({"href", "src", "action", "formaction", "xlink:href", "poster", "data"})
_OURS = ("/api/", "?", "#")
SIGN_OUT = "/.auth/logout"


class Read(HTMLParser):
    """Reads a page: every element, every address, everything that a policy refuses or a script could hide in."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.scripts: list[str] = []
        self.addresses: list[str] = []
        self.forbidden: list[str] = []
        self.words = ""
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See ``HTMLParser``."""
        self.elements.append(tag)
        if tag not in _VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name in {"style", "srcdoc"}:
                self.forbidden.append(f"{tag} {name}")
            if name in _ADDRESSES:
                self.addresses.append(value or "")
        if tag == "script":
            self.scripts.append(dict(attrs).get("src") or "inline")

    def handle_endtag(self, tag: str) -> None:
        """See ``HTMLParser``."""
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        """See ``HTMLParser``."""
        self.words += data

    @property
    def foreign(self) -> list[str]:
        """Addresses that are none of ours."""
        return [one for one in self.addresses if not one.startswith(_OURS) and one != SIGN_OUT]

"""Which machines' programs run here: this one's own, and those that the kernel hands to an emulator.

Debian's qemu-user-static registers itself, where the kernel's binfmt_misc is mounted; https://docs.kernel.org/admin-guide/binfmt-misc.html
"""

from __future__ import annotations

import platform
from pathlib import Path

# How Debian calls an emulator, how images call the machine, and how an ELF's header says it, byte for byte.
_KNOWN = {
    "qemu-x86_64": ("amd64", "3e00"),
    "qemu-aarch64": ("arm64", "b700"),
    "qemu-arm": ("arm", "2800"),
    "qemu-i386": ("386", "0300"),
    "qemu-ppc64le": ("ppc64le", "1500"),
    "qemu-riscv64": ("riscv64", "f300"),
    "qemu-s390x": ("s390x", "0016"),
}
_OWN = {"x86_64": ("qemu-x86_64", "qemu-i386"), "aarch64": ("qemu-aarch64", "qemu-arm")}
_REGISTERED = Path("/proc/sys/fs/binfmt_misc")


def machines(registered: Path = _REGISTERED) -> dict[str, str]:
    """Return the architectures whose programs run here, this machine's first, and what an ELF's header says of each."""
    own = _OWN.get(platform.machine(), ())
    emulated = [name for name in _KNOWN if name not in own and _is_registered(registered / name)]
    return dict(_KNOWN[name] for name in (*own, *emulated))


def _is_registered(file: Path) -> bool:
    """Tell whether an emulator is enabled, and opened once for all (F): no container has its file."""
    lines = file.read_text().splitlines() if file.exists() else [""]
    return lines[0] == "enabled" and any(line.startswith("flags:") and "F" in line for line in lines)


def remarks(architecture: str) -> list[str]:
    """Return what is to be said of an image for another machine: docker's own words, and whether it can run here."""
    here = machines()
    own = next(iter(here), "")
    if architecture in ("", own):
        return []
    other = f"The requested image's platform (linux/{architecture}) does not match the detected host platform"
    told = [f"WARNING: {other} (linux/{own}) and no specific platform was requested"]
    if architecture not in here:
        told.append(f"This machine runs nothing for linux/{architecture}: no emulator is registered with binfmt_misc.")
    return told

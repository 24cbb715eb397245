"""Probes about what tests and scans rest on: which platforms an agent runs, and what a scan's run has and prints."""

from __future__ import annotations

import base64
import re
from collections import Counter

from infra.live_check.ground import Ground
from infra.live_check.importing import public, run
from infra.live_check.probe import Probe, Seen, found, undecided
from infra.live_check.running import credentials, encoded, end_of, log_of, put_task_run, run_of

_PLATFORMS = ("amd64", "arm64")
# The imported image waits for a signal; asked for its version, it says that and ends.
_SAYS_VERSION = "version: v1.1.0\nsteps:\n  - cmd: $Registry/{image} -v\n"
# As the product's own scripts reach a scan's run: on a network of the run's own, in a step of ACR's own bash.
_SCAN = """\
version: v1.1.0
networks: [{{name: tidegate, isDefault: true}}]
steps:
  - cmd: "bash -c \\"echo {script} | base64 -d | bash\\""
    entryPoint: bash
    env: {environment}
    timeout: 300
"""
_ROWS, _LONG = 110, 8000
# Of the login's file only names are told that stand before a brace: hosts, and the file's own words.
_TOLD = r"""set -uf
n=0
say() { n=$((n + 1)); printf '%s %d %s\n' "$TIDEGATE_NONCE" "$n" "$1"; }
text=
while IFS= read -r line || [ -n "$line" ]; do text=$text$line; done < "${DOCKER_CONFIG:-$HOME/.docker}/config.json"
while :; do
  case $text in *\"*) ;; *) break ;; esac
  text=${text#*\"}
  name=${text%%\"*}
  text=${text#*\"}
  case $text in ': {'* | ':{'*) say "login $name" ;; esac
done
IFS=,
for host in $TIDEGATE_HOSTS; do
  if (exec 3<> "/dev/tcp/$host/443") 2> /dev/null; then say "reached $host"; else say "unreached $host"; fi
done
x=x
while [ "${#x}" -lt @LONG@ ]; do x=$x$x; done
x=$(printf '%.@LONG@s' "$x")
i=0
while [ "$i" -lt @ROWS@ ]; do i=$((i + 1)); say "row $x"; done
say end
"""


def platforms_of_agents(ground: Ground) -> Seen:
    """Run an image for amd64 and one for arm64 as usual, and the latter on an agent asked to be of its kind."""
    repository = ground.repository("platforms")
    images: list[str] = []
    for number, platform in enumerate(_PLATFORMS):
        done = run(ground, public(ground, number), f"{repository}:{platform}")
        if not done.done:
            return undecided(f"the image for {platform} could not be imported: {done.last.told()}")
        images.append(f"{repository}@{ground.source.digests[number]}")
    ends = {
        "amd64": _ended(ground, "on-amd64", images[0], "amd64"),
        "arm64": _ended(ground, "on-amd64-arm64", images[1], "amd64"),
        "arm64 agent": _ended(ground, "on-arm64", images[1], "arm64"),
    }
    text = (
        f"on an agent for amd64 an image for amd64 ended as {ends['amd64']}, one for arm64 as {ends['arm64']}; "
        f"on an agent asked to be for arm64 as {ends['arm64 agent']}"
    )
    if ends["amd64"] != "Succeeded":
        return undecided(f"{text}. Nothing can be told of the others", **ends)
    return found("Succeeded" not in (ends["arm64"], ends["arm64 agent"]), text, **ends)


def _ended(ground: Ground, word: str, image: str, agent: str) -> str:
    steps = _SAYS_VERSION.format(image=image)
    platform = {"os": "Linux", "architecture": agent}
    name = ground.name(word)
    answer = put_task_run(ground, name, encoded(steps, platform=platform, credentials=credentials(ground)), name)
    return end_of(ground, run_of(ground, name)) if answer.ok else f"refused: {answer.told()}"


def what_a_scans_run_has(ground: Ground) -> Seen:
    """Let a run on its own network tell which logins it has and whom it reaches, and print as much as a long scan."""
    name = ground.name("scan")
    answer = put_task_run(ground, name, encoded(_scan_steps(ground), credentials=credentials(ground)), name)
    if not answer.ok:
        return found(False, f"refused: {answer.told()}", code=answer.code)
    run_id = run_of(ground, name)
    ended = end_of(ground, run_id)
    rows = re.findall(rf"^{re.escape(_nonce(ground))} (\d+) (\w+) ?(.*)$", log_of(ground, run_id), re.MULTILINE)
    return _seen(ground, ended, [(int(number), word, rest.rstrip("\r")) for number, word, rest in rows])


def _seen(ground: Ground, ended: str, rows: list[tuple[int, str, str]]) -> Seen:
    """Whole is a log whose rows are all there, in order, none of them cut, with the last one at the end."""
    of = {word: [rest for _, each, rest in rows if each == word] for word in ("login", "reached", "unreached", "row")}
    hosts = [each for each in of["login"] if "." in each or ":" in each]
    lengths = Counter(len(each) for each in of["row"])
    numbered = [number for number, _, _ in rows] == list(range(1, len(rows) + 1))
    is_whole = numbered and lengths == {_LONG: _ROWS} and rows[-1][1] == "end"
    text = (
        f"the run ended as {ended}; its login is for {', '.join(hosts) or 'no registry'}; it reaches "
        f"{', '.join(of['reached']) or 'nobody'} and not {', '.join(of['unreached']) or 'nobody'}; of {_ROWS} rows of "
        f"{_LONG} characters its log has {len(of['row'])}, {'whole' if is_whole else 'not as they were printed'}"
    )
    facts = {"logins": hosts, "reached": of["reached"], "rows": len(of["row"]), "whole": is_whole}
    return found(ended == "Succeeded" and hosts == [ground.login_server] and is_whole, text, **facts)


def _scan_steps(ground: Ground) -> str:
    script = _TOLD.replace("@LONG@", str(_LONG)).replace("@ROWS@", str(_ROWS))
    hosts = f"{ground.login_server},{ground.source.registry}"
    environment = f'["TIDEGATE_NONCE={_nonce(ground)}", "TIDEGATE_HOSTS={hosts}"]'
    return _SCAN.format(script=base64.b64encode(script.encode()).decode(), environment=environment)


def _nonce(ground: Ground) -> str:
    return ground.name("row")


PROBES = (
    Probe(
        21,
        "Which platforms does an agent run?",
        "imports an image for amd64 and one for arm64, runs each, and the latter on an agent asked to be for arm64",
        "three task runs, up to three runs, a repository",
        "shared/adapters/azure/gate_run.py (PLATFORM): tests run on linux/amd64, others are platform-untested",
        26,
        platforms_of_agents,
    ),
    Probe(
        22,
        "What login and network does a scan's run have, and does its log arrive whole?",
        "runs bash on a network of the run's own, which looks for logins, connects to two hosts and prints 860 KiB",
        "a task run, a run",
        "shared/adapters/azure/scan_run.py, shared/adapters/azure/scan_script.py; docs/security.md",
        9,
        what_a_scans_run_has,
    ),
)

"""The databases as Trivy pulls them: one OCI artifact each, whose only layer is a packed folder.

https://trivy.dev/latest/docs/configuration/db/
"""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from infra.local.scanner.advisories import KNOWN, Advisory, buckets
from infra.local.scanner.bbolt import bbolt
from infra.local.twin.images import OCI_MANIFEST, descriptor, push_blob, put_manifest

_EMPTY, _NOTHING = "application/vnd.oci.empty.v1+json", b"{}"
_ARTIFACT = "application/vnd.aquasec.trivy.config.v1+json"
_LAYER, _JAVA_LAYER = (f"application/vnd.aquasec.trivy.{kind}.layer.v1.tar+gzip" for kind in ("db", "javadb"))
_SCHEMA, _JAVA_SCHEMA = 2, 1
_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_JAVA_TABLES = """
CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT);
CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT,
    FOREIGN KEY (artifact_id) REFERENCES artifacts(id));
CREATE UNIQUE INDEX artifacts_idx ON artifacts(artifact_id, group_id);
CREATE INDEX indices_artifact_idx ON indices(artifact_id);
CREATE UNIQUE INDEX indices_sha1_idx ON indices(sha1);
"""


@dataclass(frozen=True)
class Jar:
    """An archive that the Java database knows by the SHA-1 of its bytes."""

    group: str
    artifact: str
    version: str
    sha1: bytes


def push_database(
    registry: str,
    repository: str,
    tag: str = "2",
    *,
    advisories: Iterable[Advisory] = KNOWN,
    updated: datetime | None = None,
    lasts: timedelta = timedelta(days=1),
) -> str:
    """Push a vulnerability database and return its digest.

    Args:
        registry: address of the registry, such as ``http://127.0.0.1:10010``.
        repository: where to push, such as ``aquasecurity/trivy-db``.
        tag: the tag to set; Trivy's is the schema's number.
        advisories: all that it knows.
        updated: when it was built; now, if nothing is said. A test sets it to long ago.
        lasts: how long after that the next one is to be expected.

    Raises:
        requests.HTTPError: the registry refused a push.
    """
    folder = {
        "metadata.json": _metadata(_SCHEMA, updated or datetime.now(UTC), lasts),
        "trivy.db": bbolt(buckets(advisories)),
    }
    return _push(registry, repository, tag, _LAYER, "db.tar.gz", folder)


def push_java_database(
    registry: str,
    repository: str,
    tag: str = "1",
    *,
    jars: Iterable[Jar] = (),
    updated: datetime | None = None,
    lasts: timedelta = timedelta(days=3),
) -> str:
    """Push the index of Java archives, without which no image that holds one can be scanned; else as above."""
    folder = {
        "metadata.json": _metadata(_JAVA_SCHEMA, updated or datetime.now(UTC), lasts),
        "trivy-java.db": _java(jars),
    }
    return _push(registry, repository, tag, _JAVA_LAYER, "javadb.tar.gz", folder)


def _metadata(schema: int, updated: datetime, lasts: timedelta) -> bytes:
    times = {"NextUpdate": updated + lasts, "UpdatedAt": updated, "DownloadedAt": _NEVER}
    told = {name: time.isoformat(timespec="seconds").replace("+00:00", "Z") for name, time in times.items()}
    return json.dumps({"Version": schema, **told}).encode()


def _java(jars: Iterable[Jar]) -> bytes:
    with sqlite3.connect(":memory:") as database:
        database.executescript(_JAVA_TABLES)
        for number, jar in enumerate(jars, 1):
            database.execute("INSERT INTO artifacts VALUES (?, ?, ?)", (number, jar.group, jar.artifact))
            database.execute("INSERT INTO indices VALUES (?, ?, ?, 'jar')", (number, jar.version, jar.sha1))
        database.commit()
        return database.serialize()


def _push(registry: str, repository: str, tag: str, media_type: str, title: str, folder: Mapping[str, bytes]) -> str:
    layer = _packed(folder)
    for blob in (_NOTHING, layer):
        push_blob(registry, repository, blob)
    named = {**descriptor(media_type, layer), "annotations": {"org.opencontainers.image.title": title}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": _ARTIFACT,
        "config": descriptor(_EMPTY, _NOTHING),
        "layers": [named],
    }
    return put_manifest(registry, repository, tag, OCI_MANIFEST, json.dumps(manifest).encode())


def _packed(folder: Mapping[str, bytes]) -> bytes:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name, content in folder.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o600
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(tar.getvalue(), compresslevel=6, mtime=0)

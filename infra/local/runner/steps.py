"""Running one step: its attempts, and what a build, a push and a command each do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local.runner.classic_builder import refuse_buildkit
from infra.local.runner.containers import Containers
from infra.local.runner.dependencies import Base, Built
from infra.local.runner.docker_client import DOCKER
from infra.local.runner.dockerfile import Bases, read_bases
from infra.local.runner.engine import ContainerOptions, Engine
from infra.local.runner.errors import EngineError, StepFailed, Stopped
from infra.local.runner.images import Images
from infra.local.runner.limits import Limits
from infra.local.runner.logs import RunLog
from infra.local.runner.networks import NONE
from infra.local.runner.reference import Reference, parse_reference
from infra.local.runner.registry import backing_address
from infra.local.runner.rights import PUSH, Rights
from infra.local.runner.task import WORKSPACE, Build, Command, Nested, Push, Step

_PUSH_ATTEMPTS = 3
_PUSH_BACKOFF = 0.25  # seconds before the second attempt; doubles
_DOCKER_BUILD_FAILED = 1
_NOT_FOUND = 127
_DOCKER_RUN_FAILED = 125  # what `docker run` exits with if there is no container to speak for itself


@dataclass(frozen=True)
class Scanned:
    """A Dockerfile as it was scanned: where the build happens, its text, and the bases it names."""

    directory: Path
    text: str
    bases: Bases


class StepRunner:
    """Runs the steps of one run and remembers what they built and pushed."""

    def __init__(
        self,
        engine: Engine,
        images: Images,
        log: RunLog,
        registries: Mapping[str, str],
        workspace: Path,
        rights: Rights,
        containers: Containers,
    ) -> None:
        self._engine = engine
        self._images = images
        self._log = log
        self._registries = registries
        self._workspace = workspace
        self._rights = rights
        self._containers = containers
        self.built: dict[str, Built] = {}
        self.pushed: dict[Reference, str] = {}
        self.seconds: dict[str, float] = {}

    def run(self, step: Step, limits: Limits) -> None:
        """Run ``step`` to its end.

        Raises:
            StepFailed: it used all its attempts, or its time, unless it ignores errors.
            Stopped: the run's time is used up, or it was cancelled.
        """
        self._log.say(
            f"Executing step ID: {step.id}. Timeout(sec): {step.timeout}, "
            f"Working directory: '{step.working_directory}', Network: '{step.network}'"
        )
        if step.start_delay:
            self._log.say(f"Waiting {step.start_delay} seconds before executing step ID: {step.id}")
            limits.sleep(step.start_delay)
        started = time.monotonic()
        try:
            self._dispatch(step, limits.within(step.timeout))
        except (StepFailed, Stopped) as error:
            limits.check()  # the run itself is over: that is nothing a step may ignore
            if not step.ignore_errors:
                raise StepFailed(str(error)) from error
            self._log.say(
                f"Step ID: {step.id} encountered an error: {error}, but is set to ignore errors. Continuing..."
            )
        finally:
            self.seconds[step.id] = time.monotonic() - started

    def _dispatch(self, step: Step, limits: Limits) -> None:
        match step.action:
            case Build() as build:
                scanned = self._scan(step, build)
                self._repeated(step, limits, lambda: self._build(step, build, scanned, limits))
            case Command() as command:
                self._repeated(step, limits, lambda: self._command(step, command, limits))
            case Nested() as nested:
                self._repeated(step, limits, lambda: self._nested(step, nested, limits))
            case Push() as push:
                for image in push.images:
                    self._push(image, limits)

    def _repeated(self, step: Step, limits: Limits, attempt: Callable[[], int]) -> None:
        """Do it once and ``repeat`` times more, whatever fails; what failed is told at the end."""
        failures = []
        for _ in range(step.repeat + 1):
            try:
                self._attempts(step, limits, attempt)
            except StepFailed as error:
                failures.append(str(error))
        if failures:
            raise StepFailed(", ".join(failures))

    def _attempts(self, step: Step, limits: Limits, attempt: Callable[[], int]) -> None:
        for remaining in range(step.retries, -1, -1):
            self._log.say(f"Launching container with name: {step.id}")
            status = self._attempt(step, attempt)
            if status == 0:
                self._log.say(f"Successfully executed container: {step.id}")
                return
            if remaining:
                self._log.say(
                    f"Container failed during run: {step.id}, waiting {step.retry_delay} seconds before retrying..."
                )
                limits.sleep(step.retry_delay)
        self._log.say(f"Container failed during run: {step.id}. No retries remaining.")
        raise StepFailed(f"exit status {status}")

    def _attempt(self, step: Step, attempt: Callable[[], int]) -> int:
        """Make one attempt; one that time has run out for has no exit status."""
        try:
            return attempt()
        except Stopped:
            self._log.say(f"Container failed during run: {step.id}. No retries remaining.")
            raise

    def _scan(self, step: Step, build: Build) -> Scanned:
        """Read the Dockerfile as ACR's scanner does, before anything is built.

        Raises:
            StepFailed: it is not there, lies outside the source, or has a line that the scanner does not understand.
        """
        self._log.say("Scanning for dependencies...")
        try:
            directory = self._directory(step, build)
            text = self._dockerfile(build, directory)
            bases = read_bases(text, dict(build.arguments), build.target)
        except EngineError as error:
            self._log.say(f"Output from dependency scanning: {error}")
            raise StepFailed("failed to scan dependencies: exit status 1") from error
        self._log.say("Successfully scanned dependencies")
        return Scanned(directory, text, bases)

    def _build(self, step: Step, build: Build, scanned: Scanned, limits: Limits) -> int:
        try:
            if not step.buildkit:
                refuse_buildkit(scanned.text)
            made = self._pull_bases(build, scanned.bases, limits)
        except EngineError as error:
            self._log.raw(str(error))
            return _DOCKER_BUILD_FAILED
        tags = [tag.tagged for tag in made.tags]
        status = self._engine.build(build, tags, scanned.directory, self._log.raw, limits)
        if status == 0:
            self.built[step.id] = made
            for tag in made.tags:
                self._images.built(tag)
        return status

    def _directory(self, step: Step, build: Build) -> Path:
        """Return the step's working directory on this machine, once the build is known to stay inside the source."""
        if not step.container_directory.is_relative_to(WORKSPACE):
            raise EngineError(f"working directory {step.working_directory!r} lies outside the source")
        directory = self._workspace / step.container_directory.relative_to(WORKSPACE)
        for path in (build.context, build.dockerfile or "."):
            if not (directory / path).resolve().is_relative_to(self._workspace.resolve()):
                raise EngineError(f"{path!r} lies outside the source")
        return directory

    def _dockerfile(self, build: Build, directory: Path) -> str:
        dockerfile = build.dockerfile or f"{build.context}/Dockerfile"
        try:
            return (directory / dockerfile).read_text(errors="replace")
        except OSError as error:
            raise EngineError(f"error opening dockerfile: {dockerfile}, error: {error.strerror}") from error

    def _pull_bases(self, build: Build, bases: Bases, limits: Limits) -> Built:
        """Have every base in storage, so that the build uses exactly the digests that are reported."""
        runtime = self._base(bases.runtime, limits) if bases.runtime else None
        build_time = tuple(self._base(image, limits) for image in bases.build_time)
        return Built(tuple(parse_reference(tag) for tag in build.tags), runtime, build_time)

    def _base(self, image: str, limits: Limits) -> Base:
        reference = parse_reference(image)
        return Base(reference, self._images.ensure(reference, limits))

    def _command(self, step: Step, command: Command, limits: Limits) -> int:
        directory = None if step.use_image_directory else step.container_directory
        options = ContainerOptions(step.environment, step.entry_point, directory, mounts=step.mounts)
        return self._container(step, command.image, command.arguments, options, limits)

    def _nested(self, step: Step, nested: Nested, limits: Limits) -> int:
        """Run what a client asks for: no daemon is there to be asked, so the client is only looked for in its image."""
        try:
            if not self._engine.has_program(self._base(nested.client, limits).name, DOCKER, limits):
                self._log.raw(f'exec: "{DOCKER}": executable file not found in $PATH: unknown.')
                return _NOT_FOUND
        except EngineError as error:
            self._log.raw(str(error))
            return _DOCKER_RUN_FAILED
        options = ContainerOptions(nested.environment, nested.entry_point, None, bare=True, place=NONE)
        return self._container(step, nested.image, nested.arguments, options, limits)

    def _container(
        self, step: Step, image: str, arguments: Sequence[str], options: ContainerOptions, limits: Limits
    ) -> int:
        try:
            name = self._base(image, limits).name
            return self._containers.run(step, name, arguments, options, self._log.raw, limits)
        except EngineError as error:
            self._log.raw(str(error))
            return _DOCKER_RUN_FAILED

    def _push(self, image: str, limits: Limits) -> None:
        for attempt in range(_PUSH_ATTEMPTS):
            self._log.say(f"Pushing image: {image}, attempt {attempt + 1}")
            try:
                self._push_once(parse_reference(image), limits)
            except EngineError as error:
                self._log.raw(str(error))
                limits.sleep(_PUSH_BACKOFF * 2**attempt)
            else:
                self._log.say(f"Successfully pushed image: {image}")
                return
        raise StepFailed("failed to push images successfully")

    def _push_once(self, reference: Reference, limits: Limits) -> None:
        if reference.digest:
            raise EngineError("cannot push a digest reference")
        self._rights.require(PUSH, reference)
        address = f"{backing_address(reference, self._registries)}/{reference.repository}:{reference.tag}"
        self.pushed[reference] = self._engine.push(reference.tagged, address, limits)

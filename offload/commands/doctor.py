"""`doctor`: ask of every service what a run asks of it, and report each answer; nothing that it writes stays."""

from __future__ import annotations

import logging
import re
import secrets
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from offload.errors import AccessRefused, ConfigurationError, OffloadError, Unavailable
from offload.model import windows
from offload.model.table import TableSpec
from offload.ports.source import Clock, HotTable
from offload.ports.watermarks import NO_WATERMARK, TableWatermark
from offload.protocol.adapters import Probes
from offload.protocol.planning import MAX_CLOCK_DIFFERENCE
from offload.protocol.recover import check_cold, check_not_lost
from offload.results import HealthCheck, HealthReport, error_document, exit_code_of
from offload.tables.selection import select

SETTINGS, DECLARATIONS, ENGINE = "settings", "declarations", "engine"
CLICKHOUSE, VERSION, CLICKHOUSE_CLOCK = "ClickHouse", "ClickHouse version", "ClickHouse clock"
CATALOG, STORE, STORE_CLOCK = "catalog", "watermark store", "watermark store clock"
WAREHOUSE, WRITE, READ = "warehouse", "warehouse write", "warehouse read"
LIST, SEEN, REMOVE = "warehouse list", "warehouse as ClickHouse sees it", "warehouse remove"
OLDEST = (24, 3)  # of ClickHouse; older ones do not read the files as they are written
_SYNCHRONIZE = "synchronize the clocks (NTP); until then each window ends at the earlier one"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Answer:
    """What a check found; `advice`: what a person should do about it, None: nothing."""

    found: str
    advice: str | None = None


class _Examination:
    """The checks so far, by name."""

    def __init__(self) -> None:
        self.checks: dict[str, HealthCheck] = {}
        self._failed: dict[str, str] = {}  # by skipped check: the one that failed

    def check(self, name: str, expected: str, ask: Callable[[], _Answer], *needs: str) -> None:
        """Make one check, unless one that it needs did not succeed; its error is part of the report."""
        if lacking := next((need for need in needs if not self.checks[need].passed), None):
            self._failed[name] = failed = self._failed.get(lacking, lacking)
            self.checks[name] = HealthCheck(name, "skipped", expected, f"not checked, since {failed} failed")
            return
        try:
            answer = ask()
        except Exception as error:  # noqa: BLE001  # a bug in one check must not stop the others: exit 70, with a traceback
            self.checks[name] = _failed(name, error)
            return
        verdict = "warning" if answer.advice else "ok"
        self.checks[name] = HealthCheck(name, verdict, expected, answer.found, answer.advice)

    def passed(self, name: str) -> bool:
        """Whether this check was made, and did not fail."""
        return self.checks[name].passed


def _failed(name: str, error: Exception) -> HealthCheck:
    if not isinstance(error, OffloadError):
        _log.error("%s", "".join(traceback.format_exception(error)))
    return HealthCheck(name=name, verdict="failed", **error_document(error), exit_code=exit_code_of(error))


def doctor(
    opened: Callable[[], Probes],
    declared: Callable[[], Mapping[str, TableSpec]],
    names: Iterable[str],
    layer: str | None,
) -> HealthReport:
    """
    Check the settings, every service, and some tables; one check that fails stops only those that need it.

    Args:
        opened: Reads the settings.
        declared: Reads the declarations.
        names: Declared tables; none: all of them.
        layer: Only tables of this layer.

    Raises:
        UsageError: A table or the layer is unknown.
    """
    examination = _Examination()
    probes: list[Probes] = []
    known: dict[str, TableSpec] = {}

    def settings() -> _Answer:
        probes.append(opened())
        return _Answer("they can be read")

    def declarations() -> _Answer:
        known.update(declared())
        return _Answer(f"{len(known)} tables")

    examination.check(SETTINGS, "variables OFFLOAD_… that can be read", settings)
    examination.check(DECLARATIONS, "declarations that can be read", declarations, SETTINGS)
    specs = select(known, names, layer) if examination.passed(DECLARATIONS) else []
    services = _Services(examination, probes[0] if probes else None)
    services.check()
    for spec in specs:
        services.check_table(spec)
    return HealthReport(tuple(examination.checks.values()))


class _Services:
    """The checks of each service and of tables; `probes` None: the settings cannot be read, and all are skipped."""

    def __init__(self, examination: _Examination, probes: Probes | None) -> None:
        self._check = examination.check
        self._passed = examination.passed
        self._given = probes
        self._prepared: set[str] = set()  # databases that have their tables

    @property
    def _probes(self) -> Probes:
        if self._given is None:
            raise AssertionError("a check that needs the settings is skipped without them")
        return self._given

    def check(self) -> None:
        """Check every service."""
        self._check(ENGINE, "a known engine", self._engine, SETTINGS)
        self._check(CLICKHOUSE, "an answer from ClickHouse", self._clickhouse, SETTINGS)
        self._check(VERSION, f"ClickHouse {_dotted(OLDEST)} or later", self._version, CLICKHOUSE)
        self._check(
            CLICKHOUSE_CLOCK, "the time of this machine", lambda: self._clock(self._probes.source()), CLICKHOUSE
        )
        rights = "a user who may create its tables, or read and write them"
        self._check(CATALOG, rights, self._catalog, SETTINGS)
        self._check(STORE, rights, self._store, SETTINGS)
        self._check(STORE_CLOCK, "the time of this machine", lambda: self._clock(self._probes.store()), STORE)
        self._check_warehouse()

    def _engine(self) -> _Answer:
        self._probes.engine()
        return _Answer("it is known")

    def _clickhouse(self) -> _Answer:
        return _Answer(f"version {self._probes.server().version()}")

    def _version(self) -> _Answer:
        found = self._probes.server().version()
        if tuple(map(int, re.findall(r"\d+", found)[:2])) < OLDEST:
            raise ConfigurationError(
                f"ClickHouse {_dotted(OLDEST)} or later",
                f"version {found}",
                "upgrade the server, or name another one in OFFLOAD_CLICKHOUSE_DSN",
            )
        return _Answer(found)

    def _clock(self, theirs: Clock) -> _Answer:
        """The difference of two clocks, without the time that the answer took."""
        before = self._probes.clock.now()
        there = theirs.now()
        after = self._probes.clock.now()
        ahead = there - min(max(there, before), after)
        found = f"{abs(ahead) / 1e6:.1f} s {'behind' if ahead < 0 else 'ahead'}" if ahead else "the same time"
        return _Answer(found, _SYNCHRONIZE if abs(ahead) > MAX_CLOCK_DIFFERENCE else None)

    def _catalog(self) -> _Answer:
        rights = self._probes.catalog()
        rights.rehearse()
        return self._of_database(CATALOG, prepared=rights.prepared())

    def _store(self) -> _Answer:
        rights = self._probes.store()
        rights.rehearse()
        return self._of_database(STORE, prepared=rights.prepared())

    def _of_database(self, name: str, *, prepared: bool) -> _Answer:
        if prepared:
            self._prepared.add(name)
        return _Answer("its tables are there" if prepared else "no tables yet, or older ones: the next run makes them")

    def _check_warehouse(self) -> None:
        """Write a probe file, read it here and there, list it, and remove it whatever happens in between."""
        value, written = secrets.randbits(62), list[str]()

        def write() -> _Answer:
            written.append(self._probes.file().write(value))
            return _Answer(f"wrote {written[0]}")

        self._check(WAREHOUSE, "a warehouse that exists", self._warehouse, SETTINGS)
        with ExitStack() as left:
            if self._passed(WAREHOUSE):  # Ctrl-C leaves no file, nor does a write that lands after its time-out
                left.callback(self._leave_nothing)
            self._check(WRITE, "a key that may write", write, WAREHOUSE)
            self._check(READ, "a key that may read", lambda: self._read(value), WRITE)
            self._check(LIST, "a key that may list", self._list, WRITE)
            seen = "the warehouse of this machine"
            self._check(SEEN, seen, lambda: self._seen(written[0], value), CLICKHOUSE, WRITE)
            self._check(REMOVE, "a key that may remove files", lambda: self._remove(written[0]), WRITE)
            if written:
                left.pop_all()

    def _leave_nothing(self) -> None:
        with suppress(OffloadError):
            self._probes.file().remove()

    def _warehouse(self) -> _Answer:
        self._probes.file().check()
        return _Answer("it is there")

    def _read(self, value: int) -> _Answer:
        _same(self._probes.file().read(), value)
        return _Answer("what was written")

    def _list(self) -> _Answer:
        if not self._probes.file().listed():
            raise Unavailable(
                "the probe file in a list of the warehouse",
                "a list without it",
                "use an object store whose lists are consistent, then run the command again",
            )
        return _Answer("a list with the probe file")

    def _seen(self, uri: str, value: int) -> _Answer:
        found = self._probes.server().probe_value(uri)
        if found is None:
            raise ConfigurationError(
                "ClickHouse to find the probe file in the warehouse",
                f"no file {uri}",
                "correct OFFLOAD_S3_ENDPOINT_FOR_CLICKHOUSE: it leads to another object store",
            )
        _same(found, value)
        return _Answer("what this machine wrote")

    def _remove(self, uri: str) -> _Answer:
        try:
            self._probes.file().remove()
        except AccessRefused as refused:
            # No run needs this right: see docs/grants.md.
            return _Answer(
                f"{refused.found}; {uri} stays", "remove that file; or allow s3:DeleteObject (docs/grants.md)"
            )
        return _Answer("removed the probe file")

    def check_table(self, spec: TableSpec) -> None:
        """Check one table on both sides."""
        hot: list[HotTable] = []

        def describe() -> _Answer:
            hot.append(self._probes.source().describe(spec))
            return _Answer(f"{len(hot[0].schema.columns)} columns")

        in_hot, in_cold = f"{spec.name} in ClickHouse", f"{spec.name} in Iceberg"
        self._check(in_hot, f"a table {spec.source} that can be carried, and read whole", describe, CLICKHOUSE)
        expected = f"{spec.target} as the last run left it, with the columns of {spec.source}"
        self._check(in_cold, expected, lambda: self._cold(hot[0]), in_hot, CATALOG, WAREHOUSE)

    def _cold(self, hot: HotTable) -> _Answer:
        spec, lake = hot.schema.spec, self._probes.lake()
        state = lake.load(spec) if CATALOG in self._prepared else None  # to open the catalog would create its tables
        check_not_lost(spec, state, self._stored(spec))
        if state is None:
            return _Answer("no table yet: the first run creates it")
        check_cold(lake, hot, state)
        mark = state.token.watermark if state.token else None
        upto = windows.iso(mark.ticks, hot.schema.precision) if mark else "nothing yet"
        return _Answer(f"{state.records} rows, published up to {upto}")

    def _stored(self, spec: TableSpec) -> TableWatermark:
        """What the store has; to read a store without tables would create them."""
        stored = self._probes.watermarks().read(spec.source) if STORE in self._prepared else None
        return stored.watermark if stored else NO_WATERMARK


def _same(found: int, written: int) -> None:
    """
    Check that the probe file has what was written.

    Raises:
        Unavailable: It has not.
    """
    if found != written:
        raise Unavailable(
            f"the number {written} in the probe file",
            f"{found}",
            "check the object store for faults and for a cache before it, then run the command again",
        )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))

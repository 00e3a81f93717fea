"""
The commit and its outcome, whatever the catalog answers.

A commit is never rebased: it is sent again only on top of commits that left the rows as they were. After every error
the table is read before anything is decided.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from offload.errors import DataError, Fenced, OffloadError, OutcomeUnknown, Unavailable
from offload.model.cold_table import Publication, TableState
from offload.model.table import TableSpec
from offload.model.token import CommitToken
from offload.ports.lake import Conflict, Lake, NotSent

ATTEMPTS = 5


def commit(
    lake: Lake, spec: TableSpec, state: TableState, publication: Publication, on_uploaded: Callable[[], None]
) -> TableState:
    """
    Publish files, token and coverage in one commit, fenced on `state`; return the table after it.

    Raises:
        Fenced: The table no longer has the UUID or the last token of `state`.
        OutcomeUnknown: The commit was sent, and whether it landed, or will land, cannot be known.
    """
    for _ in range(ATTEMPTS):
        try:
            lake.commit(spec, state, publication, on_uploaded)
        except NotSent as unsent:
            raise _not_sent(lake, spec, state, unsent.error) from unsent
        except Exception as error:  # after every error, conflicts included: read the table before acting
            now = _after_error(lake, spec, state, publication.token, error)
            if now.token == publication.token:
                return now
            if isinstance(error, Unavailable) and error.overdue:
                raise _unknown(spec, publication.token, f"{error}; the table does not have it yet") from error
            if not isinstance(error, Conflict):
                raise
            # Another commit came between. If it left the rows unchanged (a compaction), try again on top of it.
            lake.check_history(spec, now)
            if publication.removed:  # the compaction may have replaced those files: what is to be removed has changed
                raise Fenced(
                    f"the data files of {spec.target} as they were when this run read them",
                    "another commit, such as a compaction, which may have replaced them",
                    spec.command("run"),
                ) from error
            state = now
        else:
            return _after_success(lake, spec, publication.token)
    raise Fenced(
        f"no other commit to {spec.target} during {ATTEMPTS} attempts",
        f"a commit during each of {ATTEMPTS} attempts",
        spec.command("run"),
    )


def _not_sent(lake: Lake, spec: TableSpec, state: TableState, error: Exception) -> Exception:
    """The error of a commit that was not sent; a file that is gone with its snapshot is no fault of the table."""
    if not isinstance(error, DataError):
        return error
    now = lake.load(spec)
    if now is not None and now.snapshot_id == state.snapshot_id:
        return error
    return Fenced(
        f"{spec.target} as it was when this run loaded it",
        f"another snapshot, {now and now.snapshot_id}, while {error.found}",
        spec.command("run"),
    )


def _after_error(lake: Lake, spec: TableSpec, state: TableState, token: CommitToken, error: Exception) -> TableState:
    """
    The table after a commit that failed.

    Raises:
        Fenced: Another run has published, or the catalog has another table under this name.
        OutcomeUnknown: The table cannot be read.
    """
    try:
        now = lake.load(spec)
    except OffloadError as unreadable:
        raise _unknown(spec, token, f"{error}; then {unreadable.found}") from error
    if now is not None and (landed := _landed(now, token)):
        return landed
    if now is None or now.uuid != state.uuid or now.token != state.token:
        raise Fenced(
            f"{spec.target} as it was when this run loaded it", _other_writer(state, now), spec.command("run")
        ) from error
    return now


def _unknown(spec: TableSpec, token: CommitToken, found: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"to read whether the commit of {token.rows} rows to {spec.target} landed",
        found,
        f"{spec.command('run')}, which reads the table before it writes",
    )


def _after_success(lake: Lake, spec: TableSpec, token: CommitToken) -> TableState:
    try:
        now = lake.load(spec)
    except Unavailable as error:
        raise OutcomeUnknown(
            f"{spec.target} to be readable after its commit",
            error.found,
            f"{spec.command('run')}, which reads the table before it writes",
        ) from error
    landed = _landed(now, token) if now else None
    if landed is None:
        raise Fenced(
            f"{spec.target} to have the token of the commit that it accepted",
            f"{now and now.token}",
            "offload status",
        )
    return landed


def _landed(now: TableState, token: CommitToken) -> TableState | None:
    """
    The table after this commit; None: the commit did not land.

    Another run may have published since: then the returned state is old, and the next commit of this run is fenced.
    """
    if now.token == token:
        return now
    text = token.dumps()
    snapshots = [snapshot for found, snapshot in now.commits if found == text]
    return replace(now, token=token, snapshot_id=snapshots[0]) if snapshots else None


def _other_writer(state: TableState, now: TableState | None) -> str:
    if now is None:
        return "no such table"
    return f"another table, {now.uuid}" if now.uuid != state.uuid else f"another commit: {now.token}"

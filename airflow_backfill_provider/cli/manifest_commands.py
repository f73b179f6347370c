"""``apply``, ``export`` and ``validate``: pipelines as a file."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from airflow_backfill_provider.actions.apply_manifest import (
    Definitions,
    apply_manifest,
    plan,
    read_definitions,
)
from airflow_backfill_provider.actions.apply_manifest import read_file as read_manifest_file
from airflow_backfill_provider.cli.exits import command, now, person
from airflow_backfill_provider.cli.files import read_file
from airflow_backfill_provider.cli.output import as_json, note, plain, say, show
from airflow_backfill_provider.cli.ready_registry import registry
from airflow_backfill_provider.errors import StoreError
from airflow_backfill_provider.pipelines.advice import warnings_of
from airflow_backfill_provider.pipelines.changes import Change, ChangeKind
from airflow_backfill_provider.pipelines.manifest import manifest_rows, write_manifest
from airflow_backfill_provider.pipelines.pipeline import Pipeline


@command
def apply(args: Namespace) -> None:
    """Show what changes, and change it unless ``--dry-run``."""
    text = read_file(args.file)
    if args.dry_run:
        with registry().reading() as conn:
            changes = plan(conn, text, now=now(), prune=args.prune)
    else:
        changes = apply_manifest(registry(), text, who=person(), now=now(), prune=args.prune)
    if args.output in ("json", "yaml"):
        show([_change_object(change) for change in changes], args.output)
        return
    if changes:
        show([row for change in changes for row in _change_rows(change)], args.output)
    say(_summary(changes, dry_run=args.dry_run), args.output)


@command
def export(args: Namespace) -> None:
    """Print the registry's pipelines as the file that makes them; raise with what it had to leave out."""
    with registry().reading() as conn:
        found = read_definitions(conn)
    missing = list(_missing_from_the_file(found))
    if args.output == "json":
        print(as_json({"pipelines": plain(manifest_rows(found.good))}))
    else:
        # Who restores from the file has seen nothing of stderr.
        sys.stdout.writelines(f"# {sentence}\n" for sentence in missing)
        sys.stdout.write(write_manifest(found.good))
    sys.stdout.flush()  # a file that was cut off is worse than one that lacks a row, and is told instead
    for sentence in missing:
        note(sentence, args.output)
    found.refuse_broken()


@command
def validate(args: Namespace) -> None:
    """Raise with every problem; else print what each pipeline will do, and what was probably not meant."""
    if args.file:
        found = _registry_or_nothing()
        manifest = read_manifest_file(read_file(args.file), found)
        pipelines: Sequence[Pipeline] = manifest.pipelines
    else:
        with registry().reading() as conn:
            found = read_definitions(conn)
        found.refuse_broken()
        pipelines = found.good
    show([_validated(pipeline, found) for pipeline in pipelines], args.output, nothing="There are no pipelines.")


def _validated(pipeline: Pipeline, found: Definitions) -> dict[str, Any]:
    schedule = pipeline.schedule(found.calendars)
    return {
        "pipeline_id": pipeline.pipeline_id,
        "schedule": schedule.describe(),
        "warnings": list(warnings_of(pipeline, found.calendars)),
    }


def _missing_from_the_file(found: Definitions) -> Iterator[str]:
    """What an export lacks, and what follows from that for who applies it."""
    if not found.broken:
        return
    names = ", ".join(map(repr, sorted(found.broken)))
    yield f"left out, because their rows cannot be read: {names}; 'apply' makes none of them, and --prune deletes them"
    for pipeline in found.good:
        waits_for = sorted({each.upstream_id for each in pipeline.dependencies} & found.broken.keys())
        if waits_for:
            upstreams = ", ".join(map(repr, waits_for))
            yield f"{pipeline.pipeline_id!r} waits for {upstreams}: 'apply' refuses the file where that is missing"


def _registry_or_nothing() -> Definitions:
    """A file can be checked without a registry; upstreams and calendars must then be its own or the library's."""
    try:
        with registry().reading() as conn:
            return read_definitions(conn)
    except StoreError:
        return Definitions()


def _change_object(change: Change) -> dict[str, Any]:
    return {
        "pipeline_id": change.pipeline_id,
        "change": change.kind.value,
        "fields": [asdict(field) for field in change.fields],
    }


def _change_rows(change: Change) -> list[dict[str, Any]]:
    first = {"change": change.kind.value, "pipeline_id": change.pipeline_id}
    if not change.fields:
        return [first | {"field": "", "old": "", "new": ""}]
    return [first | {"field": field.name, "old": field.old, "new": field.new} for field in change.fields]


def _summary(changes: Sequence[Change], *, dry_run: bool) -> str:
    if not changes:
        return "No changes."
    counts = {kind: sum(change.kind is kind for change in changes) for kind in ChangeKind}
    told = ", ".join(f"{count} {kind.value}" for kind, count in counts.items() if count)
    return f"{told}; nothing was written (--dry-run)." if dry_run else f"{told}."

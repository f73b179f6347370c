"""The table of moves: every status can be reached, what lives can end, and what has ended only a person revives."""

from __future__ import annotations

from airflow_backfill_provider.backfill.status import LIVE, MOVES, ItemEvent, ItemStatus, sources

EDGES = [(source, event, target) for event, moves in MOVES.items() for source, target in moves.items()]


def reachable(start: ItemStatus | None, *, without: set[ItemEvent] = frozenset()) -> set[ItemStatus]:  # type: ignore[assignment]
    found: set[ItemStatus] = set()
    ahead = [start]
    while ahead:
        here = ahead.pop()
        for source, event, target in EDGES:
            if source == here and event not in without and target not in found:
                found.add(target)
                ahead.append(target)
    return found


def test_every_event_has_a_move() -> None:
    assert set(MOVES) == set(ItemEvent)
    assert all(MOVES[event] for event in ItemEvent)


def test_every_status_can_be_reached_from_nothing() -> None:
    assert reachable(None) == set(ItemStatus)


def test_every_live_status_can_end_without_a_person() -> None:
    by_a_person = {ItemEvent.CANCELLED, ItemEvent.REVIVED}
    for status in LIVE:
        assert reachable(status, without=by_a_person) - LIVE, status


def test_what_has_ended_only_a_person_moves() -> None:
    for source, event, target in EDGES:
        if source is not None and source not in LIVE:
            assert event is ItemEvent.REVIVED
            assert target is ItemStatus.PENDING


def test_a_success_is_final() -> None:
    assert all(source is not ItemStatus.SUCCESS for source, _, _ in EDGES)


def test_only_two_events_make_an_item() -> None:
    assert {event for source, event, _ in EDGES if source is None} == {ItemEvent.ENQUEUED, ItemEvent.SEEN}
    assert sources(ItemEvent.ENQUEUED) == ()


def test_of_one_event_no_target_is_a_source() -> None:
    """Otherwise one call of ``move`` could move an item twice."""
    for event, moves in MOVES.items():
        assert event is ItemEvent.RESTARTED or not set(moves) & set(moves.values()), event

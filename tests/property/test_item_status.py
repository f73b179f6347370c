"""The table of moves: every status can be reached, what lives can end, and what has ended only a person revives."""

from __future__ import annotations

from collections.abc import Set

from hypothesis import given
from hypothesis import strategies as st

from airflow_backfill_provider.backfill.status import LIVE, MOVES, ItemEvent, ItemStatus, sources

EDGES = [(source, event, target) for event, moves in MOVES.items() for source, target in moves.items()]


def reachable(start: ItemStatus | None, *, without: Set[ItemEvent] = frozenset()) -> set[ItemStatus]:
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
    assert sources(ItemEvent.ENQUEUED) == sources(ItemEvent.SEEN) == ()


def test_the_sources_of_an_event_are_the_statuses_it_moves_from() -> None:
    for event in ItemEvent:
        assert len(sources(event)) == len(set(sources(event)))
        assert {(source, event) for source in sources(event)} == {
            (source, each) for source, each, _ in EDGES if each is event and source is not None
        }


def test_each_event_of_an_existing_item_has_a_source() -> None:
    made = {ItemEvent.ENQUEUED, ItemEvent.SEEN}
    assert all(bool(sources(event)) != (event in made) for event in ItemEvent)


@given(st.lists(st.sampled_from(ItemEvent), max_size=40))
def test_whatever_happens_what_lives_can_still_end_and_what_has_ended_waits_for_a_person(
    events: list[ItemEvent],
) -> None:
    status: ItemStatus | None = None
    for event in events:
        before, status = status, MOVES[event].get(status, status)
        if before is not None and before not in LIVE and status != before:
            assert event is ItemEvent.REVIVED
        if status in LIVE:
            assert reachable(status) - LIVE


def test_of_one_event_no_target_is_a_source() -> None:
    """Otherwise one call of ``move`` could move an item twice."""
    for event, moves in MOVES.items():
        assert event is ItemEvent.RESTARTED or not set(moves) & set(moves.values()), event

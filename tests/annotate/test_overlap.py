"""The plan of who labels what: even, blind, and never moved."""

from collections import Counter, defaultdict
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.annotate.overlap import Item, give_out
from rushes.workflow._annotate.desks import account_of

PEOPLE = ("ada", "ben", "cleo", "dan")


def items(counts, start=0):
    return [
        Item(key=f"r{at}/cam/{index}", recording_id=f"r{at}")
        for at, count in enumerate(counts, start)
        for index in range(count)
    ]


def whose(given):
    found = defaultdict(list)
    for each in given:
        found[each.item.key].append(each.annotator)
    return found


plans = given(
    counts=st.lists(st.integers(1, 30), min_size=1, max_size=6),
    people=st.integers(2, 4).map(lambda n: PEOPLE[:n]),
    overlap=st.sampled_from([0.0, 0.1, 0.2, 0.35, 0.5, 1.0]),
    seed=st.integers(0, 3),
)


@plans
@settings(max_examples=60)
def test_every_item_is_given_out_and_the_share_to_several(counts, people, overlap, seed):
    wanted = items(counts)
    plan = give_out(wanted, people, overlap=overlap, seed=seed)
    found = whose(plan)
    assert set(found) == {item.key for item in wanted}
    assert all(len(set(names)) == len(names) for names in found.values())
    shared = [key for key, names in found.items() if len(names) == 2]
    assert len(shared) == (max(1, round(overlap * len(wanted))) if overlap else 0)
    assert {len(names) for names in found.values()} <= {1, 2}
    assert plan == give_out(wanted, people, overlap=overlap, seed=seed)


@plans
@settings(max_examples=60)
def test_the_work_is_even_over_annotators_recordings_and_pairs(counts, people, overlap, seed):
    wanted = items(counts)
    found = whose(give_out(wanted, people, overlap=overlap, seed=seed))
    work = Counter(name for names in found.values() for name in names)
    assert max(work.values()) - min(work[name] for name in people) <= 1
    pairs = Counter(frozenset(names) for names in found.values() if len(names) == 2)
    each = [pairs[frozenset(pair)] for pair in combinations(people, 2)]
    assert max(each) - min(each) <= 2
    for at, count in enumerate(counts):
        shared = sum(len(names) == 2 for key, names in found.items() if key.startswith(f"r{at}/"))
        assert abs(shared - overlap * count) <= 1.5


@given(
    first=st.lists(st.integers(1, 20), min_size=1, max_size=4),
    more=st.lists(st.integers(1, 20), min_size=0, max_size=3),
    people=st.permutations(PEOPLE).flatmap(lambda p: st.integers(2, 4).map(lambda n: tuple(p[:n]))),
    overlap=st.sampled_from([0.0, 0.2, 0.5]),
)
@settings(max_examples=60)
def test_what_was_given_out_stays_when_the_data_grow_and_people_come_and_go(first, more, people, overlap):
    before = give_out(items(first), PEOPLE[:2], overlap=overlap)
    everything = [*items(first), *items(more, len(first))]
    new = give_out(everything, people, overlap=overlap, before=before)
    old = whose(before)
    found = whose([*before, *new])
    assert all(names[: len(old[key])] == old[key] for key, names in found.items())
    assert {each.annotator for each in new} <= set(people)
    assert sum(len(n) > 1 for n in found.values()) >= (round(overlap * len(everything)) if overlap else 0)
    assert give_out(everything, people, overlap=overlap, before=[*before, *new]) == []


def test_one_who_comes_later_shares_what_is_new_and_is_not_given_all_of_it():
    before = give_out(items([40]), ("ada", "ben"), overlap=0.2)
    new = give_out(items([40, 30]), ("ada", "ben", "cleo"), overlap=0.2, before=before)
    work = Counter(each.annotator for each in new)
    assert max(work.values()) - min(work.values()) <= 1


def test_an_item_can_go_to_three():
    found = whose(give_out(items([10]), PEOPLE, overlap=0.3, per_item=3))
    assert sorted(len(names) for names in found.values()) == [1] * 7 + [3] * 3


def test_an_account_is_found_by_its_address_or_what_stands_before_it():
    users = ["ada@lab.org", "ben@lab.org", "ben@else.org"]
    assert account_of("Ada", users) == "ada@lab.org"
    assert account_of("ben@else.org", users) == "ben@else.org"
    assert account_of("ben", users) is None
    assert account_of("cleo", users) is None

"""The queue's figures: how many jobs are in which state, for how long the oldest has waited, and whose they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from chalicelib.queue.commands import Commands
from chalicelib.queue.keys import ALL, Keys
from chalicelib.queue.ref import JobRef
from chalicelib.queue.replies import Counts, Figures, Load
from chalicelib.queue.wire import Wire

MOST = 100
"""Tenants that are looked at for each reason to look at one; so four hundred at most, however many there are."""


def counts(wire: Wire, commands: Commands) -> Counts:
    """How many jobs of all tenants are in which state."""
    [(_, everyone)] = wire.send(commands.figures(()))
    return Counts(*everyone[:4])


def figures(wire: Wire, keys: Keys, commands: Commands, tenant: str | None) -> Figures:
    """The figures of one tenant, or of all and of each that stands out."""
    paused, names = _paused_and_names(wire, keys)
    [reply] = wire.send(commands.figures(names if tenant is None else [tenant]))
    now, everyone, *tenants = reply
    heads = [ref for own in tenants for ref in own[5:] if ref]
    reads = wire.send(*(("HGET", keys.job(JobRef.parse(ref).id), "submitted_at") for ref in heads))
    age = {ref: (int(now) - int(at)) // 1_000 for ref, at in zip(heads, reads, strict=True) if at}
    shut = bool(everyone[4])
    loads = {
        name: _load(own, (age[ref] for ref in own[5:] if ref in age), shut)
        for name, own in zip(names if tenant is None else [tenant], tenants, strict=True)
    }
    total = loads[tenant] if tenant is not None else _load(everyone, age.values(), shut)
    busy = {name: load for name, load in loads.items() if load.depth or load.failed or name in paused}
    return Figures(total, busy, paused)


def together(parts: Sequence[Figures]) -> Figures:
    """The figures of several shards as those of one queue; a tenant may be in two of them."""
    if len(parts) == 1:
        return parts[0]
    tenants = dict.fromkeys(tenant for part in parts for tenant in part.by_tenant)
    loads = {tenant: _sum([part.by_tenant[tenant] for part in parts if tenant in part.by_tenant]) for tenant in tenants}
    return Figures(_sum([part.all for part in parts]), loads, frozenset().union(*(part.paused for part in parts)))


def _sum(loads: Sequence[Load]) -> Load:
    ages = [load.oldest_ms for load in loads if load.oldest_ms is not None]
    return Load(
        waiting=sum(load.waiting for load in loads),
        active=sum(load.active for load in loads),
        delayed=sum(load.delayed for load in loads),
        failed=sum(load.failed for load in loads),
        oldest_ms=max(ages, default=None),
        paused=any(load.paused for load in loads),
    )


def _paused_and_names(wire: Wire, keys: Keys) -> tuple[frozenset[str], list[str]]:
    """Who is paused, and whom to look at: the deepest, the next in turn, the latest failures, the paused."""
    members, deepest, next_ones, failures = wire.send(
        ("SMEMBERS", keys.paused),
        ("ZRANGE", keys.depth, 0, MOST, "REV"),  # one more: all together stand there too
        ("LRANGE", keys.ring, 0, MOST - 1),
        ("ZRANGE", keys.dead, 0, MOST - 1, "REV"),
    )
    paused = frozenset(member.decode() for member in members)
    names = [name.decode() for name in (*deepest, *next_ones)]
    names += [JobRef.parse(ref).tenant for ref in failures]
    names += islice(sorted(paused - {ALL}), MOST)
    return paused, [name for name in dict.fromkeys(names) if name != ALL]


def _load(own: Sequence[Any], ages: Iterable[int], shut: bool) -> Load:
    waiting, active, delayed, failed, paused = own[:5]
    return Load(waiting, active, delayed, failed, oldest_ms=max(ages, default=None), paused=shut or bool(paused))

"""The cache of rules and registers: one round trip when warm, filled when cold, and never older than it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chalicelib.cache import RosterCache, RosterSource
from chalicelib.db.queries.rosters import PostgresRosters
from chalicelib.db.session import Database
from chalicelib.domain.attendance import Mode, Weekday
from chalicelib.domain.register import ALL_STUDENTS, STAFF, Register
from chalicelib.domain.rules import EVERY_SCHOOL, AcademicSession, Rules
from chalicelib.errors import NotFound, Unavailable
from tests.school import FIRST, PAST, TODAY, School, new_id


def no_source() -> RosterSource:
    """Postgres may not be asked."""
    raise AssertionError("Postgres was asked")


def warm(redis: Redis) -> RosterCache:
    """The same cache, in a process that has no Postgres."""
    return RosterCache(redis, no_source)


def commands(redis: Redis, work: Callable[[], object]) -> int:
    """The number of commands that Redis carried out for `work`."""

    def served() -> int:
        stats: Any = redis.info("stats")
        return int(stats["total_commands_processed"])

    before = served()
    work()
    return served() - before - 1  # the counting is a command, too


def changed(school: School, sql: str, **parameters: object) -> None:
    """A change of the roster or the settings, with the next revision of the tenant."""
    school.run(sql, **parameters)
    school.run("update tenant set revision = revision + 1")


def test_a_warm_find_is_one_command_and_no_postgres(cache: RosterCache, redis: Redis, school: School) -> None:
    """Rules and register together: what the bell's rush can afford."""
    section = school.section(students=30, teachers=["ann"])
    filled = cache.find(school.tenant, section.id)
    client = warm(redis)
    found: list[tuple[Rules, Register]] = []
    assert commands(redis, lambda: found.append(client.find(school.tenant, section.id))) == 1
    assert found == [filled]


def test_a_warm_look_at_the_rules_is_one_command(cache: RosterCache, redis: Redis, school: School) -> None:
    """As is that at the register of a whole tenant."""
    cache.find(school.tenant, ALL_STUDENTS)
    client = warm(redis)
    assert commands(redis, lambda: client.rules(school.tenant)) == 1
    assert commands(redis, lambda: client.find(school.tenant, ALL_STUDENTS)) == 1


def test_a_cold_cache_tells_what_postgres_has(cache: RosterCache, school: School) -> None:
    """Rules with sessions, periods and calendar."""
    period = school.period()
    school.day(TODAY, is_school_day=False)
    school.day(TODAY, is_school_day=True, school_id=school.id)
    school.run("update attendance_settings set school_days = '{MON,FRI}', timezone = 'Asia/Kolkata', backdate_days = 3")
    rules = cache.rules(school.tenant)
    assert rules == Rules(
        revision=1,
        timezone="Asia/Kolkata",
        modes=((date.min, Mode.DAILY),),
        backdate_days=3,
        allow_future_date=False,
        reason_required=False,
        school_days=frozenset({Weekday.MON, Weekday.FRI}),
        sessions={school.session_id: AcademicSession(school.session_id, FIRST, PAST)},
        period_ids=frozenset({period}),
        calendar={EVERY_SCHOOL: {TODAY: False}, school.id: {TODAY: True}},
    )


def test_a_cold_register_tells_who_is_enrolled_and_who_teaches(cache: RosterCache, school: School) -> None:
    """Each with the dates; teachers by both of their ids, aides not at all."""
    section = school.section(students=2, teachers=["ann"])
    bo, aide = school.staff("bo"), school.staff("cy")
    school.teach(section.id, bo, "substitute", TODAY, TODAY + timedelta(1))
    school.teach(section.id, aide, "aide")
    school.enroll(section.id, school.students(1), TODAY, PAST)
    _, register = cache.find(school.tenant, section.id)
    assert (register.section_id, register.school_id) == (section.id, school.id)
    assert register.session_ids == {school.session_id}
    assert register.members_on(TODAY - timedelta(1)) == set(section.students)
    assert len(register.members_on(TODAY)) == 3
    assert register.taught_by("ann", TODAY - timedelta(1))
    assert register.taught_by("bo", TODAY)
    assert register.taught_by(bo, TODAY)
    assert not register.taught_by("bo", TODAY + timedelta(1))
    assert not register.taught_by("cy", TODAY)


def test_the_register_of_all_students_joins_their_enrolments(cache: RosterCache, school: School) -> None:
    """Whoever is enrolled somewhere on the day, in one section or in several."""
    one = school.section(students=2)
    school.section(students=one.students)
    late = school.students(1)
    school.enroll(one.id, late, TODAY, PAST)
    school.students(1)  # enrolled nowhere
    _, register = cache.find(school.tenant, ALL_STUDENTS)
    assert register.members_on(TODAY - timedelta(1)) == set(one.students)
    assert register.members_on(TODAY) == {*one.students, *late}


def test_the_register_of_the_staff_holds_who_is_there(cache: RosterCache, school: School) -> None:
    """Whoever has left is not on it."""
    ann = school.staff()
    school.staff(active=False)
    _, register = cache.find(school.tenant, STAFF)
    assert register.members_on(TODAY) == {ann}


@pytest.mark.parametrize("mode", ["DAILY", "PERIOD"])
def test_a_tenant_without_a_change_of_mode_has_always_had_its_mode(
    cache: RosterCache, database: Database, mode: str
) -> None:
    """From the first day of the calendar."""
    school = School(database, attendance_mode=mode)
    assert cache.rules(school.tenant).mode_on(date.min) == mode


def test_an_unknown_section_is_not_found(cache: RosterCache, school: School) -> None:
    """Nor is one of another tenant, also when that tenant's is in the cache."""
    other = School(school.database)
    section = other.section(students=1)
    cache.find(other.tenant, section.id)
    for name in (new_id(), section.id):
        with pytest.raises(NotFound):
            cache.find(school.tenant, name)


def test_an_unknown_tenant_is_not_found(cache: RosterCache) -> None:
    """A token of a tenant that was never set up here."""
    for ask in (lambda: cache.rules(new_id()), lambda: cache.find(new_id(), STAFF)):
        with pytest.raises(NotFound):
            ask()


def test_what_is_not_found_is_looked_for_again(cache: RosterCache, school: School) -> None:
    """A section that an import brings is there at once."""
    section = new_id()
    with pytest.raises(NotFound):
        cache.find(school.tenant, section)
    school.run(
        "insert into section (tenant_id, id, source_id, school_id, name, kind, session_ids)"
        " values (:t, :i, 'x', :s, 'x', 'x', '{}')",
        t=school.tenant, i=section, s=school.id,
    )  # fmt: skip
    assert cache.find(school.tenant, section)[1].section_id == section


@dataclass(frozen=True)
class Told:
    """A source that has these rules and no registers."""

    told: Rules | None

    def rules(self, tenant: str) -> Rules | None:
        """The rules."""
        return self.told

    def registers(self, tenant: str, names: frozenset[str] | None = None) -> tuple[int, Mapping[str, Register]]:
        """None."""
        return self.told.revision if self.told else 0, {}


class Slow:
    """A reader that began before an import and comes back after it."""

    def __init__(self, source: PostgresRosters) -> None:
        self.source = source
        self.meanwhile: Callable[[], None] = lambda: None

    def rules(self, tenant: str) -> Rules | None:
        """Old rules."""
        found = self.source.rules(tenant)
        self.meanwhile()
        return found

    def registers(self, tenant: str, names: frozenset[str] | None = None) -> tuple[int, Mapping[str, Register]]:
        """Old registers."""
        found = self.source.registers(tenant, names)
        self.meanwhile()
        return found


def test_a_slow_reader_does_not_put_an_old_register_back(
    cache: RosterCache, redis: Redis, database: Database, school: School
) -> None:
    """It read before the import; what it brings is older than what the import has put there."""
    section = school.section(students=1)
    newcomers = school.students(1)
    slow = Slow(PostgresRosters(database))
    cache.rules(school.tenant)

    def an_import() -> None:
        school.enroll(section.id, newcomers)
        school.run("update tenant set revision = revision + 1")
        cache.refresh(school.tenant)

    slow.meanwhile = an_import
    _, stale = RosterCache(redis, lambda: slow).find(school.tenant, section.id)
    assert stale.members_on(TODAY) == set(section.students)
    _, kept = warm(redis).find(school.tenant, section.id)
    assert kept.members_on(TODAY) == {*section.students, *newcomers}


def test_a_slow_reader_does_not_put_old_rules_back(
    cache: RosterCache, redis: Redis, database: Database, school: School
) -> None:
    """A change of settings overtook it."""
    slow = Slow(PostgresRosters(database))

    def a_change() -> None:
        changed(school, "update attendance_settings set backdate_days = 99")
        cache.refresh_rules(school.tenant)

    slow.meanwhile = a_change
    assert RosterCache(redis, lambda: slow).rules(school.tenant).backdate_days == 7
    assert warm(redis).rules(school.tenant).backdate_days == 99


def test_a_refresh_replaces_everything(cache: RosterCache, redis: Redis, school: School) -> None:
    """After an import nobody finds who has left, and the morning's first registers are warm."""
    section, other = school.section(students=2), school.section(students=1)
    school.staff("ann")
    cache.find(school.tenant, section.id)
    changed(school, "delete from enrollment where student_id = :gone", gone=section.students[0])
    cache.refresh(school.tenant)
    client = warm(redis)
    assert client.find(school.tenant, section.id)[1].members_on(TODAY) == {section.students[1]}
    assert client.find(school.tenant, other.id)[1].members_on(TODAY) == set(other.students)
    assert client.find(school.tenant, ALL_STUDENTS)[1].members_on(TODAY) == {section.students[1], *other.students}
    assert len(client.find(school.tenant, STAFF)[1].members_on(TODAY)) == 1


def test_a_refresh_drops_what_is_no_more(cache: RosterCache, redis: Redis, school: School) -> None:
    """A register that the import took away is not found in the cache any more."""
    section = school.section(students=1)
    rules, _ = cache.find(school.tenant, section.id)
    later = replace(rules, revision=rules.revision + 1)
    RosterCache(redis, lambda: Told(later)).refresh(school.tenant)
    with pytest.raises(NotFound):
        RosterCache(redis, lambda: Told(later)).find(school.tenant, section.id)


def test_a_refresh_of_many_sections_puts_each(cache: RosterCache, redis: Redis, school: School) -> None:
    """More than go into one command."""
    school.run(
        "insert into section (tenant_id, id, source_id, school_id, name, kind, session_ids)"
        " select :t, gen_random_uuid(), 'x', :s, 'x', 'x', '{}' from generate_series(1, 450)",
        t=school.tenant, s=school.id,
    )  # fmt: skip
    cache.refresh(school.tenant)
    client = warm(redis)
    for (section,) in school.run("select id::text from section"):
        assert client.find(school.tenant, section)[1].section_id == section


def test_a_change_of_settings_leaves_the_registers_warm(cache: RosterCache, redis: Redis, school: School) -> None:
    """5,000 registers are not read again because the time zone was wrong."""
    section = school.section(students=1)
    cache.find(school.tenant, section.id)
    changed(school, "update attendance_settings set timezone = 'Pacific/Auckland'")
    cache.refresh_rules(school.tenant)
    rules, register = warm(redis).find(school.tenant, section.id)
    assert rules.timezone == "Pacific/Auckland"
    assert register.members_on(TODAY) == set(section.students)


def test_what_is_forgotten_is_read_anew(cache: RosterCache, school: School) -> None:
    """Before an import commits, nothing old may be left behind it."""
    section = school.section(students=2)
    cache.find(school.tenant, section.id)
    changed(school, "delete from enrollment where student_id = :gone", gone=section.students[0])
    cache.forget(school.tenant)
    assert cache.find(school.tenant, section.id)[1].members_on(TODAY) == {section.students[1]}


def test_forgotten_rules_leave_the_registers(cache: RosterCache, redis: Redis, school: School) -> None:
    """Before a change of settings commits, only the rules go."""
    section = school.section(students=1)
    cache.find(school.tenant, section.id)
    cache.forget_rules(school.tenant)
    changed(school, "update attendance_settings set backdate_days = 99")
    assert cache.rules(school.tenant).backdate_days == 99
    assert warm(redis).find(school.tenant, section.id)[1].members_on(TODAY) == set(section.students)


def test_a_refresh_of_a_tenant_that_is_gone_leaves_nothing(cache: RosterCache, redis: Redis, school: School) -> None:
    """Nor does it fail."""
    cache.rules(school.tenant)
    RosterCache(redis, lambda: Told(None)).refresh(school.tenant)
    assert not redis.exists(f"roster:{{{school.tenant}}}")


def test_tenants_have_entries_of_their_own(cache: RosterCache, redis: Redis, school: School) -> None:
    """One tenant's refresh leaves the other's registers alone."""
    other = School(school.database)
    theirs = other.section(students=1)
    cache.find(other.tenant, theirs.id)
    changed(school, "update tenant set title = 'x'")
    cache.refresh(school.tenant)
    assert warm(redis).find(other.tenant, theirs.id)[1].members_on(TODAY) == set(theirs.students)


def test_nothing_is_kept_for_ever(cache: RosterCache, redis: Redis, school: School) -> None:
    """A tenant that has left is forgotten within a day."""
    cache.find(school.tenant, school.section().id)
    left: Any = redis.ttl(f"roster:{{{school.tenant}}}")
    assert 0 < left <= 86_400


def test_without_redis_nothing_is_found(school: School, database: Database) -> None:
    """Unavailable, with the time after which to come back: Postgres must not take the rush that Redis takes."""
    away = RosterCache(Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)), lambda: PostgresRosters(database))
    for ask in (
        lambda: away.find(school.tenant, STAFF),
        lambda: away.rules(school.tenant),
        lambda: away.forget(school.tenant),
        lambda: away.refresh(school.tenant),
    ):
        with pytest.raises(Unavailable) as error:
            ask()
        assert error.value.headers["Retry-After"]


def test_a_warm_cache_needs_no_postgres(cache: RosterCache, redis: Redis, school: School) -> None:
    """Marks are accepted while Postgres is away."""
    section = school.section(students=1)
    cache.find(school.tenant, section.id)
    assert warm(redis).find(school.tenant, section.id)[1].members_on(TODAY) == set(section.students)

"""The words of attendance: what a mark can say, how a tenant takes it, who may do what."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What a mark says of a person on a day or in a period."""

    PRESENT = "PRESENT"
    ABSENT = "ABSENT"
    LATE = "LATE"
    EXCUSED = "EXCUSED"


class Mode(StrEnum):
    """Whether a tenant marks once a day or once a period."""

    DAILY = "DAILY"
    PERIOD = "PERIOD"


class Weekday(StrEnum):
    """Days of the week, Monday first as `date.weekday()` counts them."""

    MON = "MON"
    TUE = "TUE"
    WED = "WED"
    THU = "THU"
    FRI = "FRI"
    SAT = "SAT"
    SUN = "SUN"


class Role(StrEnum):
    """What a token says its bearer is; ordered from the widest reach to the narrowest."""

    ADMIN = "admin"
    OFFICE = "office"
    SERVICE = "service"
    TEACHER = "teacher"
    STAFF = "staff"
    GUARDIAN = "guardian"


OFFICE_ROLES = frozenset({Role.ADMIN, Role.OFFICE})
"""Who sees and corrects everything of the own tenant."""

MARKING_ROLES = OFFICE_ROLES | {Role.SERVICE, Role.TEACHER}
"""Who may mark students; a teacher only the own sections."""

READING_ROLES = OFFICE_ROLES | {Role.TEACHER}
"""Who may read students' marks; a teacher those of the own sections. A device that marks need not read them."""

WHOLE_TENANT_ROLES = OFFICE_ROLES | {Role.SERVICE}
"""Who may mark without being the teacher of a section."""

"""Attendance itself, pure: statuses, policy, calendar, registers, job states. Imports nothing of ours."""

"""Use cases, one module a verb: accept marks, drain the queue, report jobs, read, change settings, import a roster."""

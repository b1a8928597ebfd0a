"""The command line of the local stack; each command is a module."""

from __future__ import annotations

import sys

import typer

from local.cli import calendar, consumer, demo, deploy, dev, env, importing, jobs, localstack, migrate, package, token

__all__ = ["app", "main"]

app = typer.Typer(
    name="local",
    help="Rollcall on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("dev")(dev.dev)
app.command("token")(token.token)
app.command("env")(env.env)
app.command("import")(importing.import_)
app.command("calendar")(calendar.calendar)
app.command("consumer")(consumer.consumer)
app.command("migrate")(migrate.migrate)
app.command("package")(package.package)
app.command("deploy")(deploy.deploy)
app.command("rollback")(deploy.rollback)
app.command("undeploy")(deploy.undeploy)
app.command("localstack")(localstack.localstack)
app.add_typer(jobs.app, name="jobs")


def main() -> None:
    """Run the command that the arguments name."""
    try:
        app(prog_name="python -m local")
    except KeyboardInterrupt:  # before or after a command's own care
        sys.exit(130)

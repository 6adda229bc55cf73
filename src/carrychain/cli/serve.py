"""`carrychain serve`: the lab in the browser."""

from __future__ import annotations

import secrets
import webbrowser
from pathlib import Path

import click
from platformdirs import user_state_path

from carrychain.cli.console import note, results
from carrychain.errors import InvalidInput

EXAMPLES = """Examples:

\b
  carrychain serve                              on this machine, for you alone
  carrychain serve --class add-2026             with a class's leaderboard
  carrychain serve --host 0.0.0.0 --port 8000   for others, who need the token
"""


@click.command(epilog=EXAMPLES)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to serve; any but this machine's own loopback asks visitors for a token.",
)
@click.option(
    "--port",
    default=0,
    type=click.IntRange(0, 65_535),
    help="Port to serve.  [default: one that is free]",
)
@click.option("--no-browser", is_flag=True, help="Do not open the page.")
@click.option(
    "--model",
    "models",
    multiple=True,
    default=("mini",),
    show_default=True,
    help="A model that the pages offer; may be repeated, the first is chosen beforehand.",
)
@click.option(
    "--class",
    "class_folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Show the leaderboard of this class, see `carrychain class`.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="NAME",
    help="A further name by which visitors call the server, such as that of a proxy before it.",
)
@click.option(
    "--token",
    envvar="CARRYCHAIN_TOKEN",
    show_envvar=True,
    help="What visitors must know where others are served.  [default: a new one, shown once]",
)
@click.option(
    "--state",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the queue and its results.  [default: one of the user's own]",
)
def serve(
    host: str,
    port: int,
    no_browser: bool,
    models: tuple[str, ...],
    class_folder: Path | None,
    names: tuple[str, ...],
    token: str | None,
    state: Path | None,
) -> None:
    """Open the lab in the browser: prompts, next tokens, gradients, grades.

    Ctrl-C ends it; what waited or ran goes on when it is started again.
    """
    from carrychain.web import server
    from carrychain.web.settings import Settings

    _check_models(models)
    if class_folder is not None:
        from carrychain.grading.class_folder import ClassFolder

        ClassFolder.open(class_folder)
    listening = server.bind(host, port)
    with listening:
        local = server.is_loopback(listening)
        if local and token is not None and not names:
            note("only this machine is served, so no token is asked for")
        shown = token is None
        settings = Settings(
            state=state or user_state_path("carrychain", appauthor=False) / "browser",
            models=models,
            class_folder=class_folder,
            token=None if local and not names else token or secrets.token_urlsafe(24),
            hosts=server.names_of(host, listening, names),
        )
        address = server.address_of(listening)

        def on_start() -> None:
            results.print(f"carrychain is at {address}", soft_wrap=True)
            if settings.token is not None and shown:
                results.print(f"token for visitors: {settings.token}", soft_wrap=True)
            note("Ctrl-C ends it")
            if not no_browser:
                webbrowser.open(address)

        server.serve(settings, listening, on_start)


def _check_models(models: tuple[str, ...]) -> None:
    """Raise unless every model can be used here."""
    from carrychain import engines

    there = {entry.name: entry for entry in engines.available()}
    for name in models:
        if name in there and not there[name].available:
            raise InvalidInput(f"{name} can't be used here: {there[name].reason}")
        if name not in there and not name.startswith(("hf:", "openai:", "recorded:")):
            engines.load(name)

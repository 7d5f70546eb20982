"""`trapscope figure`: one moment of a run, drawn."""

from __future__ import annotations

import argparse

from trapscope import assets
from trapscope.cli.output import opened
from trapscope.cli.run import play, prepared
from trapscope.copy import english
from trapscope.core.reading import Reading
from trapscope.core.session.moments import moment_of
from trapscope.figure import draw


def figure(arguments: argparse.Namespace) -> int:
    """0 where there is such a moment, whatever the run's verdict."""
    session, chosen = prepared(arguments)
    reading, sources = Reading(session), assets.sources()
    with opened(arguments.out) as stream:
        play(session, chosen)
        moment = moment_of(arguments.at, session)
        stream.write(
            draw(reading, moment, sources, english(), theme=arguments.theme, part=arguments.part, cpu=arguments.cpu)
        )
    return 0

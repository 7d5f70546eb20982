"""`trapscope run`: one run, headless, from its schedule to its verdict."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from trapscope import assets
from trapscope.cli.output import opened
from trapscope.cli.progress import Progress
from trapscope.cli.summary import summary
from trapscope.core.errors import BadInput
from trapscope.core.image import Image
from trapscope.core.reading import Reading
from trapscope.core.session import Session
from trapscope.core.session.catalogue import CATALOGUE, resolve
from trapscope.core.session.schedule import MAX_LENGTH
from trapscope.core.types import Verdict
from trapscope.matrix import policy
from trapscope.wire import exports

_STEPS_AT_A_TIME: Final = 4096


def run(arguments: argparse.Namespace) -> int:
    """0 for the verdict ok, 1 for any other, which is a result too."""
    session, chosen = prepared(arguments)
    reading = Reading(session)
    if arguments.format == "summary" and arguments.cpu is not None:
        raise BadInput("--cpu says whose side `--format tenet` is to tell; a summary tells of all CPUs")
    if arguments.format != "summary":
        exports.begin(arguments.format, reading, 0, arguments.cpu)
    with opened(arguments.out) as stream:
        play(session, chosen)
        if arguments.format == "summary":
            stream.writelines(summary(session))
        else:
            stream.writelines(exports.lines(arguments.format, reading, arguments.cpu))
    return 0 if session.verdict is Verdict.OK else 1


def prepared(arguments: argparse.Namespace) -> tuple[Session, policy.Policy | None]:
    """The session that the options of a run ask for, at moment 0, and who steps when where no schedule says it."""
    image = Image.from_bytes(assets.guest_elf())
    spec = resolve(image, arguments.scenario, arguments.design, arguments.variant, arguments.fetch, arguments.cpus)
    if arguments.policy is not None and arguments.schedule is not None:
        raise BadInput("--policy and --schedule both say who steps when; give one of them")
    chosen = None if arguments.policy is None else policy.parse(arguments.policy)
    session = Session(image, spec, max_steps=arguments.max_steps)
    if chosen is None:
        schedule = CATALOGUE[spec.scenario].schedule_under(spec.design, spec.variants, spec.fetch)
        session.feed(schedule if arguments.schedule is None else arguments.schedule)
    return session, chosen


def play(session: Session, chosen: policy.Policy | None) -> None:
    """Do all that has been fed, or what the policy chooses, then end the run."""
    if chosen is not None:
        policy.drive(session, chosen)
    progress = Progress()
    was_named = True
    try:
        while session.pending:
            session.advance(_STEPS_AT_A_TIME)
            progress.steps(len(session.trace))
            if was_named and not session.is_named:
                was_named = False
                progress.done()
                _warn(session)
        session.finish()
    finally:
        progress.done()


def _warn(session: Session) -> None:
    """At once, so that nobody waits for a schedule that cannot be given."""
    print(
        f"trapscope: by moment {session.moment:,} this run's schedule is longer than the {MAX_LENGTH:,} characters that"
        " are accepted: it goes on, and cannot be run again from what is printed",
        file=sys.stderr,
    )

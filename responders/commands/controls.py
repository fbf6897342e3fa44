"""`responder mode`, `stop`, `start`: how far each detection may go, and the kill switch for all."""

import argparse
from typing import TYPE_CHECKING

from responders.commands.connection import (
    CommandError,
    add_settings_option,
    add_who_and_why,
    environment_from,
    person,
    storage_from,
    unknown,
)
from responders.commands.signing import acts_from, add_key_options, or_waits
from responders.commands.tables import add_output_option, print_beside, print_list
from responders.sigma_rules import catalogue_of
from shared.authority.control_history import ControlState
from shared.authority.controls import NO_MODE, Controls
from shared.model.clock import utc_now
from shared.model.kinds import Mode
from shared.respond.waking import announce

if TYPE_CHECKING:
    from responders.commands import Subparsers


def add_parser(subparsers: "Subparsers") -> None:
    """Add the three commands."""
    mode = subparsers.add_parser(
        "mode", help="read the modes, or set one: observe (say what would be done), page, enforce"
    )
    mode.add_argument(
        "detection", nargs="?", metavar="DETECTION", help='its id, or "*" for all that have no mode of their own'
    )
    mode.add_argument(
        "mode",
        nargs="?",
        choices=[*(one.value for one in Mode), NO_MODE],
        metavar="observe|page|enforce|default",
        help='"default" takes its own mode back: the one for all counts again',
    )
    add_who_and_why(mode, why="needed where the detection is to do less")
    add_output_option(mode)
    add_key_options(mode)
    add_settings_option(mode)
    mode.set_defaults(run=_mode)
    stop = subparsers.add_parser("stop", help="kill switch on: nothing is put back any more, everything is paged")
    stop.add_argument("--reason", required=True, help="why, for the people who find it stopped")
    stop.add_argument("--by", default=None, help="who does it (default: the account you are logged in with)")
    add_key_options(stop)
    add_settings_option(stop)
    stop.set_defaults(run=_stop)
    start = subparsers.add_parser("start", help="kill switch off")
    add_who_and_why(start, why="not needed")
    add_key_options(start)
    add_settings_option(start)
    start.set_defaults(run=_start)


def _controls(arguments: argparse.Namespace) -> Controls:
    storage = storage_from(arguments)
    return Controls(storage, clock=utc_now, acts=acts_from(arguments, storage))


def _controls_to_move(arguments: argparse.Namespace) -> Controls:
    """Give the controls after what leans on them is to be looked at again."""
    announce(storage_from(arguments), at=utc_now())
    return _controls(arguments)


def _read(controls: Controls) -> ControlState:
    control_state = controls.read_state()
    if control_state.unread:
        raise CommandError(f"the modes and the kill switch could not be read: {control_state.unread}")
    return control_state


def _mode(arguments: argparse.Namespace) -> int:
    controls = _controls(arguments)
    detections = catalogue_of(environment_from(arguments))
    if arguments.detection is None:
        control_state = _read(controls)
        rows = [(detection.id, control_state.mode(detection.id), detection.title) for detection in detections]
        print_list(arguments, ("detection", "mode", "title"), rows, none="no detections")
        print_beside(arguments, "kill switch: " + ("ON, nothing is put back" if control_state.stopped else "off"))
        return 0
    known = [detection.id for detection in detections]
    if arguments.detection not in {*known, "*"}:
        raise unknown("detection", arguments.detection, known, listed_by="responder catalogue")
    if arguments.mode is None:
        print(_read(controls).mode(arguments.detection))
        return 0
    mode = None if arguments.mode == NO_MODE else Mode(arguments.mode)
    to_move, by = _controls_to_move(arguments), arguments.by or person()
    try:
        if not or_waits(lambda: to_move.set_mode(arguments.detection, mode, by=by, reason=arguments.reason)):
            return 0
    except ValueError as error:
        raise CommandError(f"{error} (--reason)") from error
    print(f"{arguments.detection} is now in mode {mode or _read(controls).mode(arguments.detection)}")
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    to_move, by = _controls_to_move(arguments), arguments.by or person()
    try:
        if not or_waits(lambda: to_move.stop(by=by, reason=arguments.reason)):
            return 0
    except ValueError as error:
        raise CommandError(str(error)) from error
    print("stopped: nothing is put back until `responder start`; pages go on")
    return 0


def _start(arguments: argparse.Namespace) -> int:
    controls = _controls_to_move(arguments)
    try:
        controls.start(by=arguments.by or person(), reason=arguments.reason)
    except ValueError as error:
        raise CommandError(str(error)) from error
    if _read(controls).stopped:
        raise CommandError(
            "still stopped: partition `kill` of table Switches has a row that names no instant, which somebody wrote by"
            " hand. Delete it in storage."
        )
    print("started: detections in mode enforce put things back again")
    return 0

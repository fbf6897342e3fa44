"""`responder kql`: the detections as Kusto queries for Log Analytics and Sentinel."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from responders.commands import Subparsers
from responders.commands.connection import CommandError, environment_from, unknown
from responders.commands.profile import add_rosters_option, profile_for
from responders.commands.tables import Format, is_json, print_json
from responders.sigma_rules import catalogue_of
from shared.detect.kusto.compile import document, why_no_query
from shared.model.detections import AnyDetection
from shared.model.profile import TenantProfile

if TYPE_CHECKING:
    from shared.detect.kusto.sentinel import Rule

_HELP = """\
Each query finds in AuditLogs, in SigninLogs and AADNonInteractiveUserSignInLogs, or in AzureActivity what the detection
matches, over the time that is chosen where it is run. Approvals aren't asked: what approved actors did is found too.
What differs by tenant is read from the settings (VOCABULARY, EMERGENCY_ACCOUNT_IDS, B2C_TENANT_ID).

With --sentinel they are scheduled analytics rules of Microsoft Sentinel: a YAML file for each, as Microsoft's own rules
have it, and azuredeploy.json, which makes all of them, with the watchlists that they read:
  az deployment group create -g GROUP --template-file DIR/azuredeploy.json --parameters workspace=NAME
Each looks at what came since its last run, however old it is, up to a day. What no scheduled rule can do is listed with
the reason; deploy again when the profile has changed."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "kql",
        help="write the detections as Kusto queries",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="a detection's id (default: every detection)")
    parser.add_argument("--out", metavar="DIR", help="write a file for each into this folder instead, named ID.kql")
    parser.add_argument(
        "--sentinel",
        action="store_true",
        help="write analytics rules of Microsoft Sentinel, as YAML and as ARM template",
    )
    add_rosters_option(parser)
    parser.add_argument(
        "-o",
        "--output",
        choices=("kusto", Format.JSON.value),
        default="kusto",
        metavar="kusto|json",
        help="the queries themselves (the default), or a JSON list with each detection's id and query",
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    ids: list[str] = arguments.ids
    known = {detection.id: detection for detection in catalogue_of(environment_from(arguments))}
    detections = [_detection(known, name) for name in ids or known]
    profile = profile_for(arguments)
    if is_json(arguments) and (arguments.sentinel or arguments.out):
        raise CommandError("-o json prints the queries: leave --sentinel and --out out")
    if arguments.sentinel:
        return _write_rules(detections, arguments.out, profile)
    reasons = {detection.id: because for detection in detections if (because := why_no_query(detection))}
    sys.stderr.writelines(f"responder: no query: {because}\n" for because in reasons.values())
    detections = [detection for detection in detections if detection.id not in reasons]
    if arguments.out:
        return _write(detections, Path(arguments.out), profile)
    if is_json(arguments):
        print_json([{"detection": each.id, "query": document(each, profile)} for each in detections])
        return 0
    sys.stdout.write("\n".join(document(detection, profile) for detection in detections))
    return 0


def _detection(known: Mapping[str, AnyDetection], name: str) -> AnyDetection:
    if name not in known:
        raise unknown("detection", name, known, listed_by="responder catalogue")
    return known[name]


def _write_rules(detections: Sequence[AnyDetection], out: str | None, profile: TenantProfile) -> int:
    from shared.detect.kusto.sentinel import NoRule, Rule, rule_for, template_text  # noqa: PLC0415 - only where asked

    made = [rule_for(detection, profile) for detection in detections]
    rules = [one for one in made if isinstance(one, Rule)]
    texts = {rule.detection.id: _yaml_of(rule) for rule in rules}
    if out:
        files = {f"{name}.yaml": text for name, text in texts.items()} | {"azuredeploy.json": template_text(rules)}
        _write_files(Path(out), files)
        print(f"analytics rules written to {out}: {len(rules)}")
    else:
        sys.stdout.write("---\n".join(texts.values()))
        sys.stdout.flush()
    for one in made:
        if isinstance(one, NoRule):
            sys.stderr.write(f"responder: no rule: {one.detection.id}: {one.because}\n")
    return 0


def _yaml_of(rule: "Rule") -> str:
    import yaml  # noqa: PLC0415 - a command alone needs it

    from shared.detect.kusto.sentinel import as_yaml  # noqa: PLC0415

    class Dumper(yaml.SafeDumper):
        """Writes a text of several lines as it stands."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    return yaml.dump(as_yaml(rule), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)


def _write_files(folder: Path, files: Mapping[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"the queries can't be written to {folder}: {error.strerror}") from error


def _write(detections: Sequence[AnyDetection], folder: Path, profile: TenantProfile) -> int:
    _write_files(folder, {f"{detection.id}.kql": document(detection, profile) for detection in detections})
    print(f"queries written to {folder}: {len(detections)}")
    return 0

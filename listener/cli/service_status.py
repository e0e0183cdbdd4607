"""What systemd says of the service, in plain words."""

from collections.abc import Mapping

PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "ExecMainCode",
    "ExecMainStatus",
    "MainPID",
    "NRestarts",
    "ActiveEnterTimestamp",
    "StatusText",
    "UnitFileState",
    "FragmentPath",
    "NeedDaemonReload",
)

_STATES = {
    "active": "is running",
    "reloading": "is reading its configuration again",
    "activating": "is starting; rooms and models are not ready yet",
    "deactivating": "is stopping",
    "inactive": "is not running",
    "failed": "has failed and is not running",
}

_RESULTS = {
    "exit-code": "it ended with status {ExecMainStatus}; its last lines: journalctl -u listener -n 20",
    "signal": "it was killed by signal {ExecMainStatus}",
    "core-dump": "it crashed by signal {ExecMainStatus}; the stacks: journalctl -u listener -n 200",
    "watchdog": "it made no progress for 30 s and was ended; the stacks: journalctl -u listener -n 200",
    "timeout": "it did not become ready, or did not stop, in time",
    "protocol": "it ended before it was ready; why: journalctl -u listener -n 20",
    "oom-kill": "the machine ran out of memory",
    "start-limit-hit": "it was started too often; systemctl reset-failed listener lets it try again",
    "resources": "systemd could not set it up (a folder, a user, memory); why: journalctl -u listener -n 20",
}

_STATUSES = {
    "78": "its configuration cannot be used: {listener} check",
    "203": "its executable is not there or hidden from it: {listener} service install",
    "208": "a limit could not be set",
    "216": "its group does not exist: systemd-sysusers",
    "217": "its user does not exist: systemd-sysusers",
    "226": "its view of the file system could not be set up; a folder that the unit names is missing",
    "238": "its state folder could not be made: look at the owner of /var/lib/listener",
    "243": "a credential is missing: look at LoadCredential= and the file that it names",
}
"""systemd.exec(5), "Process Exit Codes", and sysexits.h for 78."""


def parse(output: str) -> dict[str, str]:
    """The lines of `systemctl show`."""
    pairs = (line.partition("=") for line in output.splitlines())
    return {key: value for key, separator, value in pairs if separator}


def explain(shown: Mapping[str, str], listener: str = "listener") -> list[str]:
    """Lines for a person: what it is doing, since when, what went wrong, what to do. `listener`: how it is called."""
    if shown.get("LoadState") == "not-found":
        return [f"listener.service is not installed; sudo {listener} service install"]
    if shown.get("LoadState") == "masked":
        return ["listener.service is masked, so it cannot start; sudo systemctl unmask listener"]
    if shown.get("LoadState") not in ("loaded", None):
        return [f"listener.service cannot be read ({shown['LoadState']}); systemd-analyze verify listener.service"]
    active = shown.get("ActiveState", "")
    state = _STATES.get(active, f"is in state {active!r}")
    if shown.get("SubState") == "auto-restart":
        state = "has failed, and systemd starts it again in a moment"
    lines = [f"listener.service {state}{_since(shown, active)}"]
    if shown.get("StatusText"):
        lines.append(f"  it says: {shown['StatusText']}")
    lines += [f"  {line}" for line in _remarks(shown, listener)]
    return lines


def _since(shown: Mapping[str, str], active: str) -> str:
    when = shown.get("ActiveEnterTimestamp")
    return f" since {when}, process {shown.get('MainPID', '?')}" if active == "active" and when else ""


def _remarks(shown: Mapping[str, str], listener: str) -> list[str]:
    lines = []
    if shown.get("Result", "success") != "success":
        reason = _RESULTS.get(shown["Result"], shown["Result"]).format_map({"ExecMainStatus": "?", **shown})
        lines.append(f"the last run: {reason}")
        if shown["Result"] == "exit-code" and shown.get("ExecMainStatus") in _STATUSES:
            lines.append(f"that status means: {_STATUSES[shown['ExecMainStatus']].format(listener=listener)}")
    if shown.get("NRestarts", "0") not in ("0", ""):
        lines.append(f"systemd has restarted it {shown['NRestarts']} times since it was started")
    if shown.get("UnitFileState") == "disabled":
        lines.append("it does not start at boot; sudo systemctl enable listener")
    if shown.get("NeedDaemonReload") == "yes":
        lines.append("its file has changed since systemd read it; sudo systemctl daemon-reload")
    return lines

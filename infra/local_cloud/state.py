"""The one folder in which a local cloud lives: its settings, its data and its logs."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_FOLDER = REPOSITORY / ".local"
REGION = "us-east-1"
ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Settings:
    """What a local cloud keeps from run to run: its port and the key pair of its root user."""

    port: int
    access_key: str
    secret_key: str


@dataclass(frozen=True)
class LocalFolder:
    """The files of one local cloud; two clouds in two folders know nothing of each other."""

    path: Path = DEFAULT_FOLDER

    @property
    def data(self) -> Path:
        """What the cloud remembers between runs: tables, users, functions, keys."""
        return self.path / "data"

    @property
    def scratch_file(self) -> Path:
        """Names the folder of the running server's leftovers, which may lie elsewhere."""
        return self.path / "scratch"

    @property
    def server_log(self) -> Path:
        """All that MiniStack says."""
        return self.path / "ministack.log"

    @property
    def deploy_log(self) -> Path:
        """All that the CDK CLI says."""
        return self.path / "deploy.log"

    @property
    def events(self) -> Path:
        """What the bus told of the demo's campaigns: a JSON document a line."""
        return self.path / "events.jsonl"

    @property
    def pid_file(self) -> Path:
        """The server's process id; it counts only while `lock_file` is locked."""
        return self.path / "server.pid"

    @property
    def lock_file(self) -> Path:
        """Locked by the server for as long as it lives."""
        return self.path / "server.lock"

    @property
    def assembly(self) -> Path:
        """What `cdk synth` writes and `cdk deploy` reads."""
        return self.path / "cdk.out"

    def shown(self, file: Path) -> str:
        """The file's name as to print it: short, and right to paste from where the command runs."""
        return os.path.relpath(file)

    def read_settings(self) -> Settings | None:
        """The settings of an earlier run, or None on the first one."""
        try:
            return Settings(**json.loads(self._settings_file.read_text()))
        except FileNotFoundError:
            return None

    def remember_port(self, port: int) -> Settings:
        """Keep the port for the next run; the first time also invent the root user's key pair."""
        known = self.read_settings()
        settings = (
            replace(known, port=port)
            if known
            else Settings(
                port=port,
                access_key=f"LAUREL{secrets.token_hex(7).upper()}",
                secret_key=secrets.token_hex(20),
            )
        )
        self.path.mkdir(parents=True, exist_ok=True)
        # Only the owner may read it: whoever has the key pair is root in this cloud.
        descriptor = os.open(self._settings_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(settings), file, indent=2)
        return settings

    @property
    def _settings_file(self) -> Path:
        return self.path / "settings.json"

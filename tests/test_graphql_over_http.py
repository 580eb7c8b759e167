"""The audit of GraphQL over HTTP (graphql-http from npm), against the running service."""

import json
import subprocess
from pathlib import Path

from tests.provider import NODE, NPM
from tests.serving import serve

AUDITS = 61


def test_audit_of_graphql_over_http_passes(tmp_path: Path) -> None:
    with serve(tmp_path, "--demo") as served:
        ran = subprocess.run(
            [NODE, str(NPM / "audit.mjs"), f"{served.url}/graphql"], capture_output=True, text=True, check=True
        )
    results = json.loads(ran.stdout)
    assert [each for each in results if each["status"] != "ok"] == []
    assert len(results) == AUDITS

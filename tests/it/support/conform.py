"""Holds a served API to its description: conform.py HOST PORT CA TOKEN DOCUMENT ID

Schemathesis, bounded and with a fixed seed, against a host whose name only this process knows. Requests that name an
account name ID, which is there, or none that is.
"""

import json
import socket
import sys
import tempfile

host, port, ca, token, document, account = sys.argv[1:7]
real = socket.getaddrinfo


def resolve(name, *rest, **more):
    return real("127.0.0.1" if name == host else name, *rest, **more)


socket.getaddrinfo = resolve

with open(document, encoding="utf-8") as file:
    description = json.load(file)
description["components"]["parameters"]["Id"]["example"] = account

import schemathesis  # noqa: E402
from schemathesis.cli import schemathesis as command  # noqa: E402


@schemathesis.serializer("text/csv", "application/x-ndjson")
def as_text(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


with tempfile.NamedTemporaryFile("w", suffix=".json") as named:
    json.dump(description, named)
    named.flush()
    sys.argv = [
        "st", "run", named.name,
        "--url", f"https://{host}:{port}/api/v1",
        "--tls-verify", ca,
        "-H", f"Authorization: Bearer {token}",
        "--phases", "examples,coverage,fuzzing",
        "--checks",
        "not_a_server_error,status_code_conformance,content_type_conformance,"
        "response_headers_conformance,response_schema_conformance",
        "--max-examples", "12",
        "--max-time", "50",
        "--seed", "20261",
        "--generation-database", "none",
        "--generation-allow-x00", "false",
        "--no-shrink",
        "--warnings", "off",
        "--continue-on-failure",
        "--request-timeout", "20",
        "--no-color",
    ]
    command(standalone_mode=True)

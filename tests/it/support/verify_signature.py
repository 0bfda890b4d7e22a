"""Checks the signature of a request as an application would. Usage: verify_signature.py KEY < request head"""

import base64
import sys

import requests
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms


class Key(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id):
        assert key_id == "wiki", key_id
        return base64.b64decode(sys.argv[1])


class Verifier(HTTPMessageVerifier):
    def validate_created_and_expires(self, sig_input, max_age=None):
        # the tests have a clock of their own
        created, expires = sig_input.params["created"], sig_input.params["expires"]
        assert created == 1_800_000_000 and expires == created + 60, (created, expires)


lines = sys.stdin.read().splitlines()
method, target, _ = lines[0].split(" ")
headers = {}
for line in lines[1:]:
    if ":" in line:
        name, value = line.split(":", 1)
        headers[name] = value.strip()
request = requests.Request(method, "http://" + headers["Host"] + target, headers=headers).prepare()
verifier = Verifier(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=Key())
try:
    (result,) = verifier.verify(request)
except Exception as fault:
    print("refused:", type(fault).__name__, fault)
    sys.exit(1)
print(" ".join(sorted(name.strip('"') for name in result.covered_components)))

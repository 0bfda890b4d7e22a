"""Verifies an assertion as an application would: verify.py JWKS-URL CA AUDIENCE ISSUER < token"""

import json
import socket
import ssl
import sys

import jwt

jwks, ca, audience, issuer = sys.argv[1:]
resolve = socket.getaddrinfo


def local(host, *rest, **options):
    # names below localhost lead to this machine (RFC 6761); not every resolver knows
    return resolve("127.0.0.1" if host.endswith(".localhost") else host, *rest, **options)


socket.getaddrinfo = local
token = sys.stdin.read().strip()
keys = jwt.PyJWKClient(jwks, ssl_context=ssl.create_default_context(cafile=ca))
key = keys.get_signing_key_from_jwt(token).key
algorithm = jwt.get_unverified_header(token)["alg"]
assert algorithm not in ("none", "HS256"), algorithm
wanted = ["exp", "iat", "iss", "aud", "sub"]
claims = jwt.decode(token, key, algorithms=[algorithm], audience=audience, issuer=issuer, options={"require": wanted})
for wrong in (dict(audience="https://other.example", issuer=issuer), dict(audience=audience, issuer="https://evil")):
    try:
        jwt.decode(token, key, algorithms=[algorithm], **wrong)
    except jwt.InvalidTokenError:
        continue
    sys.exit(f"accepted with {wrong}")
print(json.dumps(claims))

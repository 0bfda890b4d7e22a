"""A mail server for tests, on 127.0.0.1. Prints its port, then keeps each mail it takes as FOLDER/0001.eml beside
FOLDER/0001.json (sender, recipients, whether the line was encrypted, who had signed in). Runs until it is killed.

  smtp.py FOLDER [--port N] [--tls implicit|starttls --cert FILE --key FILE] [--user NAME --password TEXT]
                 [--rcpt ANSWERS] [--data ANSWERS]

ANSWERS, separated by commas, are what it says to the first recipients or messages: 451, 550, ...; `ok`; `hold` keeps
the mail and then says nothing for ever. After the last of them everything is taken.
"""

import argparse
import asyncio
import json
import pathlib
import ssl

from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    def __init__(self, folder, rcpt, data):
        self.folder, self.rcpt, self.data = folder, rcpt, data

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = self.rcpt.pop(0) if self.rcpt else "ok"
        if answer != "ok":
            return f"{answer} not this recipient"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        answer = self.data.pop(0) if self.data else "ok"
        if answer not in ("ok", "hold"):
            return f"{answer} not this message"
        number = len(list(self.folder.glob("*.eml"))) + 1
        facts = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None,
            "user": session.auth_data,
            "hello": session.host_name,
        }
        (self.folder / f"{number:04}.json").write_text(json.dumps(facts))
        new = self.folder / f"{number:04}.new"
        new.write_bytes(envelope.original_content)
        new.rename(self.folder / f"{number:04}.eml")
        if answer == "hold":
            await asyncio.sleep(3600)
        return "250 OK"


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", choices=["implicit", "starttls"])
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--rcpt", default="")
    parser.add_argument("--data", default="")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    answers = lambda text: [answer for answer in text.split(",") if answer]
    handler = Handler(options.folder, answers(options.rcpt), answers(options.data))
    context = None
    if options.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.cert, options.key)
    starttls = options.tls == "starttls"

    def authenticate(server, session, envelope, mechanism, data):
        login, password = data.login.decode(), data.password.decode()
        right = (login, password) == (options.user, options.password)
        return AuthResult(success=right, handled=right, auth_data=login if right else None)

    def connection():
        return SMTP(
            handler,
            hostname="smtp.test",
            tls_context=context if starttls else None,
            require_starttls=starttls,
            authenticator=authenticate if options.user else None,
            auth_required=bool(options.user),
            auth_require_tls=starttls,
            enable_SMTPUTF8=True,
        )

    loop = asyncio.get_running_loop()
    implicit = context if options.tls == "implicit" else None
    server = await loop.create_server(connection, "127.0.0.1", options.port, ssl=implicit)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())

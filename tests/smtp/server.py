"""aiosmtpd on a free port of loopback, with what a test wants to go wrong.

Its one argument is JSON: `folder` takes each accepted message as N.eml and a line of log.jsonl; `tls` is "starttls",
"implicit" or absent, with `certificate` and `key`; `login` is [user, password]; `tokens` is {"mailbox": NAME, "accepts":
[TOKEN], "uses": N, "after_challenge": ANSWER}, for XOAUTH2 alone; `size` limits messages; `faults` is a list of
{"at": STAGE, "about": TEXT, "do": "silence" | "drop" | "slow" | ANSWER, "times": N}. It prints its port, and ends with its standard input.
"""

import asyncio
import base64
import json
import ssl
import sys
from collections import Counter
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult

plan = json.loads(sys.argv[1])
folder = Path(plan["folder"])
faults = plan.get("faults", [])
tokens = plan.get("tokens")
used = Counter()


class Server(SMTP):
    if tokens:
        line_length_limit = 12288  # of a response (RFC 4954); a command has 512

    async def fault(self, stage, about=""):
        """The answer that a fault wants, or none; silence and drops never come back."""
        for fault in faults:
            if fault["at"] == stage and fault.get("about", "") in about and fault.get("times", 1) > 0:
                if "times" in fault:
                    fault["times"] -= 1
                if fault["do"] == "silence":
                    await asyncio.Event().wait()
                if fault["do"] == "slow":
                    await asyncio.sleep(6)
                    return None
                if fault["do"] == "drop":
                    self.transport.abort()
                    await asyncio.Event().wait()
                return fault["do"]
        return None

    async def _handle_client(self):
        answer = await self.fault("greeting")
        if answer:
            self.transport.write(f"{answer}\r\n".encode())
            self.transport.close()
            return
        await super()._handle_client()

    async def instead(self, stage, about, usual):
        answer = await self.fault(stage, about or "")
        if answer:
            await self.push(answer)
        else:
            await usual(about)

    async def smtp_EHLO(self, hostname):
        await self.instead("ehlo", hostname, super().smtp_EHLO)

    async def smtp_STARTTLS(self, arg):
        await self.instead("starttls", arg, super().smtp_STARTTLS)

    async def smtp_AUTH(self, arg):
        await self.instead("auth", arg, super().smtp_AUTH)

    async def auth_XOAUTH2(self, _, args):
        """As Google and Microsoft describe it; the refusal repeats what was sent, as bad servers do."""
        sent = base64.b64decode(args[1], validate=True) if len(args) > 1 else await self.challenge_auth("")
        for token in tokens["accepts"]:
            good = f"user={tokens['mailbox']}\1auth=Bearer {token}\1\1".encode()
            if sent == good and used[token] < tokens.get("uses", 1000):
                used[token] += 1
                return AuthResult(success=True, auth_data=tokens["mailbox"])
        challenge = base64.b64encode(b'{"status":"400","schemes":"Bearer"}').decode()
        await self.push(f"334 {challenge}")
        line = await self._reader.readline()
        refusal = f"535 5.7.3 Authentication unsuccessful {base64.b64encode(sent).decode()}"
        wrong = "501 5.5.2 that was to be an empty line"
        return AuthResult(
            success=False, handled=False, message=tokens.get("after_challenge", refusal) if line == b"\r\n" else wrong
        )

    async def smtp_MAIL(self, arg):
        await self.instead("mail", arg, super().smtp_MAIL)

    async def smtp_RCPT(self, arg):
        await self.instead("rcpt", arg, super().smtp_RCPT)

    async def smtp_DATA(self, arg):
        answer = await self.fault("data")
        if answer:
            await self.push(answer)
            return
        if any(fault["at"] == "content" for fault in faults):
            await self.push("354 go on")
            await self._reader.readline()
            await self.fault("content")  # a drop or silence: it never comes back
        await super().smtp_DATA(arg)

    async def smtp_QUIT(self, arg):
        await self.instead("quit", arg, super().smtp_QUIT)


class Handler:
    async def handle_DATA(self, server, session, envelope):
        answer = await server.fault("dot", envelope.rcpt_tos[0])
        if answer:
            return answer
        number = len(list(folder.glob("*.eml")))
        (folder / f"{number}.eml").write_bytes(envelope.original_content)
        line = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None or plan.get("tls") == "implicit",
            "login": session.auth_data,
        }
        with (folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        return await server.fault("taken", envelope.rcpt_tos[0]) or "250 taken"


def check(_server, _session, _envelope, _mechanism, data):
    given = [data.login.decode(), data.password.decode()]
    return AuthResult(success=given == plan["login"], auth_data=given[0], handled=False)


async def main():
    context = None
    if plan.get("tls"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(plan["certificate"], plan["key"])
    starttls = plan.get("tls") == "starttls"

    def server():
        return Server(
            Handler(),
            hostname="mail.example.com",
            data_size_limit=plan.get("size", 33554432),
            tls_context=context if starttls else None,
            require_starttls=starttls,
            authenticator=check if plan.get("login") else None,
            auth_required=bool(plan.get("login") or tokens),
            auth_require_tls=starttls,
            auth_exclude_mechanism=["LOGIN", "PLAIN"] if tokens else ["XOAUTH2"],
        )

    loop = asyncio.get_running_loop()
    listening = await loop.create_server(server, "127.0.0.1", 0, ssl=None if starttls else context)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())

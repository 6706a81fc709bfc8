"""What goes over the wire, judged: a simulator, a proxy before it that records, and the judge of each request and answer."""

import http.client
import json
import subprocess
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import parse_qsl, urlsplit

import jsonschema
from description import bodies, fields, seen_in, strict

RATE_HEADERS = [f"x-organization-rate-limit-{what}" for what in ("limit", "remaining", "reset")]

FORMATS = jsonschema.FormatChecker(formats=[])
FORMATS.checks("int64")(lambda value: not isinstance(value, int) or -(2**63) <= value < 2**63)
FORMATS.checks("date-time", raises=ValueError)(lambda text: datetime.fromisoformat(text).tzinfo is not None)


class Judge:
    """Compares what goes over the wire with the description, and remembers what came."""

    def __init__(self, description):
        self.operations = description.operations
        self.problems, self.seen, self.count, self.lock = [], set(), 0, Lock()

    def exchange(self, request, answer, token, by_client=False):
        """One request and its answer. `by_client`: the client's requests are held to more than a stranger's, who may send nonsense."""
        method, target, headers, body = request
        status, answer_headers, answer_body = answer
        url = urlsplit(target)
        path = url.path.removeprefix("/v7")
        line = f"{method} {path} {status}"
        with self.lock:
            self.count += 1
            operation = self.operations.get((method, path))
            if operation is None or not url.path.startswith("/v7/"):
                self.problems.append(f"{method} {url.path} is no operation of the description")
                return
            self.seen.add(f"{method} {path}" + " by the client" * by_client)
            problems = self.request_problems(method, path, url.query, headers, body, token) if by_client else []
            problems += self.answer_problems(method, path, status, answer_headers, answer_body)
            self.problems += [f"{line}: {problem}" for problem in problems]

    def request_problems(self, method, path, query, headers, body, token):
        operation = self.operations[method, path]
        if headers.get("authorization") != f"Bearer {token}":
            return ["it has another token, or none"]
        problems = []
        if headers.get("accept") != "application/hal+json, application/json":
            problems.append(f"it accepts {headers.get('accept')}")
        parameters = {parameter["name"]: parameter for parameter in operation.get("parameters", [])}
        for name, text in parse_qsl(query, keep_blank_values=True):
            if name not in parameters:
                problems.append(f"the query has {name}, which is not described")
                continue
            schema = parameters[name]["schema"]
            value = text.split(",") if schema["type"] == "array" else text
            problems += self.differ(f"{method} {path} ?{name}", schema, value)
            self.seen.add(f"{method} {path} ?{name}")
        schema = dict(bodies(operation)).get("request")
        if schema is None:
            return problems + (["a body where none is described"] if body else [])
        if headers.get("content-type") != "application/json":
            problems.append(f"the body is {headers.get('content-type')}")
        return problems + self.differ(f"{method} {path} request", strict(schema, all_required=True), json.loads(body))

    def answer_problems(self, method, path, status, headers, body):
        response = self.operations[method, path]["responses"].get(str(status))
        if response is None:
            return ["the status is not described"]
        problems = [f"no whole number in {name}" for name in RATE_HEADERS if not headers.get(name, "").isdigit()]
        if "date" not in headers:
            problems.append("no Date")
        self.seen.add(f"{method} {path} {status}")
        content = response.get("content", {})
        if not content:
            return problems + (["a body where none is described"] if body else [])
        if headers.get("content-type") not in content:
            return problems + [f"the media type is {headers.get('content-type')}"]
        schema = strict(content[headers["content-type"]]["schema"])
        return problems + self.differ(f"{method} {path} {status}", schema, json.loads(body))

    def differ(self, where, schema, value):
        self.seen.update(f"{where} {place}" for place in seen_in(value))
        validator = jsonschema.Draft202012Validator(schema, format_checker=FORMATS)
        return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]

    def unseen(self, clients_tests):
        """What is described and was never seen."""
        for (method, path), operation in self.operations.items():
            line = f"{method} {path}"
            promised = [f"{line} by the client"] if clients_tests else [line]
            promised += [f"{line} ?{parameter['name']}" for parameter in operation.get("parameters", [])] if clients_tests else []
            for where, schema in bodies(operation):
                promised += [f"{line} {where}"] if where != "request" else []
                promised += [f"{line} {where} {place}" for place, _, _ in fields(schema or {})]
            yield from (what for what in promised if what not in self.seen)


class Simulator:
    """A running `quotakeeper simulate`."""

    def __init__(self, binary, *options):
        self.process = subprocess.Popen([binary, "simulate", *options], stdout=subprocess.PIPE, text=True)
        lines = [self.process.stdout.readline().strip().split("=", 1)[1] for _ in range(2)]
        self.host, self.token = urlsplit(lines[0]).netloc, lines[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def send(host, method, target, headers, body):
    """The answer as (status, headers with small letters, body)."""
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request(method, target, body, headers)
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


class Recorder:
    """A proxy before a simulator: what passes it is judged."""

    def __init__(self, simulator, judge):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self):
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                passed = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                status, headers, content = answer = send(simulator.host, self.command, self.path, passed, body or None)
                small = {name.lower(): value for name, value in self.headers.items()}
                judge.exchange((self.command, self.path, small, body), answer, simulator.token, by_client=True)
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

#!/usr/bin/env python3
"""How long a wrong sign-in and a request for a reset take for names that somebody has and names that nobody has.

    python3 benches/names.py [target/debug/vestibule] [samples]

Starts a demo in a temporary folder with the throttles out of the way, asks in turn (so that both kinds meet the same
weather), and prints the medians in milliseconds and their ratio. Nothing is asserted: a busy machine proves nothing.
"""
import http.client, json, pathlib, re, socket, ssl, statistics, subprocess, sys, tempfile, time, urllib.parse

binary = sys.argv[1] if len(sys.argv) > 1 else "target/debug/vestibule"
samples = int(sys.argv[2]) if len(sys.argv) > 2 else 200
THROTTLE = "\nthrottle: { password: { free: 100, first_pause: 1s, longest_pause: 1s }, network: { free: 1000000 } }\n"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def demo(folder, port):
    process = subprocess.Popen([binary, "demo", "--dir", folder, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the demo does not start")


class Portal:
    def __init__(self, port):
        self.host = f"login.localhost:{port}"
        self.tls = ssl._create_unverified_context()
        self.port = port

    def ask(self, method, path, fields=None, cookie=""):
        wire = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.tls, timeout=60)
        headers = {"Host": self.host, "Accept": "text/html", "Cookie": cookie, "Origin": f"https://{self.host}"}
        body = None
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urllib.parse.urlencode(fields)
        wire.connect()
        begun = time.perf_counter()
        wire.request(method, path, body, headers)
        answer = wire.getresponse()
        text = answer.read().decode()
        took = time.perf_counter() - begun
        wire.close()
        return answer, text, took * 1000

    def timed(self, path, fields, status):
        answer, page, _ = self.ask("GET", path)
        cookie = "; ".join(c.split(";")[0] for name, c in answer.getheaders() if name.lower() == "set-cookie")
        csrf = re.search(r'name="csrf" value="([^"]*)"', page)
        to = re.search(r'name="to" value="([^"]*)"', page)
        hidden = {"csrf": csrf.group(1)} | ({"to": to.group(1)} if to else {})
        answer, text, took = self.ask("POST", path, hidden | fields, cookie)
        assert answer.status == status, (path, answer.status, text[:300])
        return took


with tempfile.TemporaryDirectory() as folder:
    port = free_port()
    process = demo(folder, port)
    try:
        known = [a["login"] for a in json.loads(pathlib.Path(folder, "demo.json").read_text())["accounts"]]
        process.terminate()
        process.wait()
        config = pathlib.Path(folder, "vestibule.yaml")
        config.write_text(config.read_text() + THROTTLE)
        process = demo(folder, port)
        portal = Portal(port)
        samples = min(samples, 90 * len(known))
        for path, status in [("/signin", 422), ("/password/forgot", 200)]:
            times = {"known": [], "unknown": []}
            for n in range(samples):
                for kind, name in [("known", known[n % len(known)]), ("unknown", f"nobody{n}")]:
                    fields = {"username": name} | ({"password": f"wrong password {n}"} if path == "/signin" else {})
                    times[kind].append(portal.timed(path, fields, status))
            medians = {kind: statistics.median(all_of) for kind, all_of in times.items()}
            print(f"{path}: known {medians['known']:.2f} ms, unknown {medians['unknown']:.2f} ms, ratio {medians['known'] / medians['unknown']:.3f} ({samples} samples each)")
    finally:
        process.terminate()
        process.wait()

"""What an operator does with the Debian package, step by step; run by tests/package/run under a systemd of its own."""

import fcntl
import grp
import http.client
import json
import os
import pathlib
import pwd
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time

DEB = sys.argv[1]
CONFIG = pathlib.Path("/etc/vestibule/vestibule.yaml")
STATE = pathlib.Path("/var/lib/vestibule")
UNIT = pathlib.Path("/usr/lib/systemd/system/vestibule.service")
AS_USER = ["setpriv", "--reuid=vestibule", "--regid=vestibule", "--init-groups"]
BEGAN = time.monotonic()
passed = 0


def step(what, holds, said=""):
    global passed
    if not holds:
        sys.exit(f"FAILED  {what}\n{said}\n{passed} passed, 1 failed")
    passed += 1
    print(f"ok      {what} ({time.monotonic() - BEGAN:.0f} s)", flush=True)


def run(*arguments, **options):
    options.setdefault("input", "")
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, **options)
    done.said = done.stdout + done.stderr
    return done


def dpkg(*arguments):
    done = run("dpkg", *arguments)
    step("dpkg " + " ".join(arguments), done.returncode == 0, done.said)
    return done


def vestibule(*arguments, **options):
    """A command as an operator gives it: sudo -u vestibule vestibule ..."""
    return run(*AS_USER, "vestibule", *arguments, "--config", str(CONFIG), **options)


def loopback_up():
    with socket.socket() as s:
        request = struct.pack("16sh", b"lo", 0x1 | 0x40)
        fcntl.ioctl(s, 0x8914, request)


def owner(path):
    found = path.stat()
    return f"{pwd.getpwuid(found.st_uid).pw_name}:{grp.getgrgid(found.st_gid).gr_name} {found.st_mode & 0o7777:o}"


def systemctl(*arguments):
    return run("systemctl", *arguments)


def shown(key):
    return systemctl("show", "--value", "--property", key, "vestibule").stdout.strip()


def journal():
    run("journalctl", "--sync")
    return run("journalctl", "--unit=vestibule", "--no-pager", "--output=cat").said[-6000:] + systemctl("status", "vestibule").said


def start(unit="vestibule"):
    done = systemctl("start", unit)
    return done.returncode == 0 and shown("ActiveState") == "active" or unit != "vestibule" and done.returncode == 0


def stop():
    done = systemctl("stop", "vestibule")
    return done.returncode == 0 and shown("Result") == "success"


def main_process():
    return int(shown("MainPID"))


def within(seconds, holds):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def https(host, path):
    context = ssl.create_default_context(cafile="/etc/vestibule/tls/site.pem")
    with socket.create_connection(("127.0.0.1", 443), timeout=20) as tcp:
        with context.wrap_socket(tcp, server_hostname=host) as tls:
            connection = http.client.HTTPConnection(host)
            connection.sock = tls
            connection.request("GET", path, headers={"Accept": "text/html"})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location", ""), answer.read().decode()


def plain(port, host, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    return answer.status, answer.getheader("Location", "")


loopback_up()
assert not STATE.exists() and not CONFIG.exists(), "a Vestibule is installed on this machine already"

# --- installed, and nothing started
dpkg("-i", DEB)
step("a user of its own, who cannot log in", pwd.getpwnam("vestibule").pw_shell == "/usr/sbin/nologin")
step("the store's folder is the user's alone", owner(STATE) == "vestibule:vestibule 700", owner(STATE))
step("the configuration is root's, the user reads it", owner(CONFIG) == "root:vestibule 640", owner(CONFIG))
step("the folder of keys is closed to others", owner(CONFIG.parent / "tls") == "root:vestibule 750")
listed = run("dpkg-query", "-W", "-f=${Conffiles}", "vestibule").stdout
step("dpkg knows the configuration as such", str(CONFIG) in listed, listed)
step("the service is not enabled unasked", not list(pathlib.Path("/etc/systemd/system").rglob("vestibule.service")))
for page in ["man1/vestibule.1.gz", "man1/vestibule-serve.1.gz", "man5/vestibule.yaml.5.gz"]:
    step(f"manual page {page}", (pathlib.Path("/usr/share/man") / page).is_file())
for file in ["bash-completion/completions/vestibule", "zsh/vendor-completions/_vestibule",
             "fish/vendor_completions.d/vestibule.fish", "doc/vestibule/examples/vestibule.example.yaml",
             "doc/vestibule/operations.md", "doc/vestibule/copyright"]:
    path = pathlib.Path("/usr/share") / file
    step(f"/usr/share/{file}", path.is_file())
schema = pathlib.Path("/usr/share/vestibule/vestibule.schema.json")
named = CONFIG.read_text().splitlines()[0]
step("the configuration names its schema, which is there", named.endswith(f"$schema={schema}") and
     json.loads(schema.read_text())["title"] == "Vestibule configuration", named)

found = run("systemd-analyze", "verify", str(UNIT))
step("systemd finds nothing wrong with the unit", found.returncode == 0 and not found.said.strip(), found.said)
found = run("systemd-analyze", "security", "--offline=yes", "--threshold=17", str(UNIT))
step("the unit's exposure is 1.6 or less (of 10)", found.returncode == 0, found.said)

# --- filled in
said = vestibule("check")
step("without certificates it says which are missing", said.returncode == 1 and "/etc/vestibule/tls/site.pem" in said.said,
     said.said)
made = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "90",
           "-subj", "/CN=vestibule", "-addext", "subjectAltName=DNS:login.example.com,DNS:wiki.example.com",
           "-keyout", "/etc/vestibule/tls/site.key", "-out", "/etc/vestibule/tls/site.pem")
assert made.returncode == 0, made.said
key = pathlib.Path("/etc/vestibule/tls/site.key")
os.chown(key, 0, pwd.getpwnam("vestibule").pw_gid)
key.chmod(0o640)
said = vestibule("check")
step("with them it has no mistakes", said.returncode == 0 and "no mistakes\n" in said.said, said.said)

# --- started by systemd, which waits until it is ready
step("it starts", start(), journal())
status, _, page = https("login.example.com", "/signin")
step("the sign-in page answers on 443", status == 200 and 'name="password"' in page, f"{status} {page[:500]}")
status, to, _ = https("wiki.example.com", "/page")
step("the application asks for sign-in", status in (302, 303) and to.startswith("https://login.example.com/"), f"{status} {to}")
status, to = plain(80, "wiki.example.com", "/x")
step("port 80 leads to https", status in (301, 308) and to == "https://wiki.example.com/x", f"{status} {to}")
step("the operators' listener says ready", plain(9090, "localhost", "/readyz")[0] == 200)
with open(f"/proc/{main_process()}/status") as found:
    status = dict(line.rstrip().split(":\t", 1) for line in found if ":\t" in line)
step("it runs as its user", status["Uid"].split()[0] == str(pwd.getpwnam("vestibule").pw_uid), str(status))
step("with the one capability", int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 1 << 10, str(status))
step("with system calls filtered", status["Seccomp"] == "2" and status["NoNewPrivs"] == "1", str(status))
inside = ["nsenter", f"--target={main_process()}", "--mount", *AS_USER]
step("it can write where the store is", run(*inside, "test", "-w", str(STATE)).returncode == 0)
for place in ["/etc/vestibule", "/usr/bin", "/var/log", "/"]:
    step(f"and not in {place}", run("nsenter", f"--target={main_process()}", "--mount", "touch", f"{place}/x").returncode != 0)
health = re.search(r"HEALTHCHECK .*\\\n\s*CMD (\[.*\])", pathlib.Path("/tmp/test/Dockerfile").read_text())
health = json.loads(health.group(1))
step("the container's health check finds it well", run(*health).returncode == 0)
said = vestibule("account", "add", "aino", "--email", "aino@example.com", input="kolme haukea kuivaa verkkoa")
step("an account is added beside it", said.returncode == 0, said.said)
for file in ["vestibule.db", "secret.key"]:
    step(f"{file} is the user's alone", owner(STATE / file) == "vestibule:vestibule 600", owner(STATE / file))
# --- changed while it runs
before = main_process()
good = CONFIG.read_text()
CONFIG.write_text(good.replace("host: wiki.example.com", "host: login.example.com/nowhere"))
step("reload with a mistake", systemctl("reload", "vestibule").returncode == 0)
step("is refused", within(20, lambda: "the one before stays in force" in journal()), journal())
step("and the service goes on", https("wiki.example.com", "/page")[0] in (302, 303) and main_process() == before)
CONFIG.write_text(good.replace("- name: wiki", "- name: handbook"))
said = journal().count("the new configuration is in force")
step("reload with another name", systemctl("reload", "vestibule").returncode == 0)
step("is taken", within(20, lambda: journal().count("the new configuration is in force") > said), journal())
CONFIG.write_text(good)

# --- a new program is handed the ports
assert run("systemctl", "kill", "--kill-whom=main", "--signal=USR2", "vestibule").returncode == 0
step("SIGUSR2 starts a new process, which systemd takes for the service", within(60, lambda: main_process() != before), journal())
step("the old one ends", within(60, lambda: not os.path.exists(f"/proc/{before}")), journal())
step("and the service is none the worse", shown("ActiveState") == "active" and shown("SubState") == "running", journal())
step("it answers", https("login.example.com", "/signin")[0] == 200)
before = main_process()
os.kill(before, signal.SIGKILL)
step("killed, it is started again", within(60, lambda: main_process() not in (0, before) and shown("ActiveState") == "active"), journal())
step("told to stop, it ends well", stop(), journal())
step("the health check notices", run(*health).returncode != 0)

# --- with its ports kept open by systemd
step("the socket unit starts", start("vestibule.socket"), journal())
step("the first connection starts the service", https("login.example.com", "/signin")[0] == 200, journal())
step("on the sockets it was given", shown("ActiveState") == "active" and
     main_process() != 0 and plain(80, "wiki.example.com", "/x")[1] == "https://wiki.example.com/x")
step("a restart", systemctl("restart", "vestibule").returncode == 0)
step("leaves the ports open", https("login.example.com", "/signin")[0] == 200, journal())
assert systemctl("stop", "vestibule.socket", "vestibule").returncode == 0

# --- upgraded: the configuration stays as it was written, the store as it is
CONFIG.write_text(CONFIG.read_text() + "# ours\n")
key_file = (STATE / "secret.key").read_bytes()
unpacked = "/tmp/unpacked"
assert run("dpkg-deb", "-R", DEB, unpacked).returncode == 0
control = pathlib.Path(unpacked, "DEBIAN/control")
control.write_text(re.sub(r"(?m)^Version: .*$", "Version: 999.0-1", control.read_text()))
shipped = pathlib.Path(unpacked, "etc/vestibule/vestibule.yaml")
shipped.write_text(shipped.read_text() + "# theirs\n")
assert run("dpkg-deb", "-Znone", "-b", unpacked, "/tmp/next.deb").returncode == 0
step("started again", start(), journal())
before = main_process()
dpkg("-i", "--force-confdef", "/tmp/next.deb")
step("an upgrade leaves the configuration alone", CONFIG.read_text().endswith("# ours\n"))
step("and its rights", owner(CONFIG) == "root:vestibule 640", owner(CONFIG))
step("a service that ran runs the new program", within(30, lambda: main_process() not in (0, before)) and
     https("login.example.com", "/signin")[0] == 200, journal())
said = vestibule("account", "list")
step("with the accounts there were", "aino" in said.stdout, said.said)
# --- removed, purged
dpkg("-r", "vestibule")
step("the service is stopped", shown("ActiveState") in ("inactive", "failed"), shown("ActiveState"))
step("the program is gone", not pathlib.Path("/usr/bin/vestibule").exists())
step("configuration, store and key are not", CONFIG.exists() and (STATE / "vestibule.db").exists() and
     (STATE / "secret.key").read_bytes() == key_file)
dpkg("-i", "--force-confdef", DEB)
step("installed again it goes on with them", "aino" in vestibule("account", "list").stdout and
     CONFIG.read_text().endswith("# ours\n"))
dpkg("-P", "vestibule")
step("purged, all of it is gone", not CONFIG.exists() and not STATE.exists())
step("but keys that we did not bring", key.exists())
print(f"{passed} passed, 0 failed")

"""Who is compared: how each is configured and started. All listen on 127.0.0.1 and lead to the same origin.

Every proxy keeps connections to the origin alive, writes no access log and has the same number of workers.
"""
import base64, hashlib, hmac, http.client, json, os, pathlib, shutil, socket, subprocess, time, urllib.parse

HOST = "app.bench.test"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, process=None, seconds=15):
    for _ in range(20 * seconds):
        if process is not None and process.poll() is not None:
            raise SystemExit(f"it ended at once: {process.args}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on {port}")


class Contender:
    """One way from the client to the origin."""

    def __init__(self, name, url, pids, also=(), headers=(), cookies=None, resolve=None, ca=None):
        self.name, self.url, self.pids, self.also = name, url, pids, also
        self.headers, self.cookies, self.resolve, self.ca = headers, cookies, resolve, ca


class World:
    """A folder, an origin, and processes that end with it. `workers`: of each proxy; `cpus`: where they run."""

    def __init__(self, folder, binary, bare, workers, cpus, more_cpus):
        self.folder, self.binary, self.bare = pathlib.Path(folder), binary, bare
        self.workers, self.cpus, self.more_cpus = workers, cpus, more_cpus
        self.running = []
        self.certificate()
        for name, size in [("1k", 1024), ("100k", 102400)]:
            (self.folder / "files").mkdir(exist_ok=True)
            (self.folder / "files" / name).write_bytes(b"x" * size)
        self.origin = self.nginx("origin", f"root {self.folder}/files; open_file_cache max=10; error_page 405 =200 $uri;", cpus=more_cpus, workers=1)

    def certificate(self):
        def openssl(*arguments):
            subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
        here = self.folder
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        openssl("req", "-x509", *key, "-days", 30, "-subj", "/CN=bench authority", "-keyout", here / "ca.key", "-out", here / "ca.pem")
        openssl("req", *key, "-subj", "/CN=bench", "-keyout", here / "key.pem", "-out", here / "request.pem")
        (here / "names").write_text(f"subjectAltName=DNS:{HOST},DNS:login.bench.test,DNS:*.bench.test\n")
        openssl("x509", "-req", "-days", 30, "-in", here / "request.pem", "-CA", here / "ca.pem", "-CAkey", here / "ca.key", "-CAcreateserial", "-extfile", here / "names", "-out", here / "cert.pem")
        (here / "key.pem").chmod(0o600)
        (here / "both.pem").write_text((here / "cert.pem").read_text() + (here / "key.pem").read_text())

    def start(self, arguments, port, cpus=None, seconds=15, **more):
        log = open(self.folder / f"{pathlib.Path(str(arguments[0])).name}-{port}.log", "w")
        process = subprocess.Popen(["taskset", "-c", cpus or self.cpus, *map(str, arguments)], stdout=log, stderr=log, **more)
        self.running.append(process)
        wait_for(port, process, seconds)
        return process.pid

    def end(self):
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        self.running.clear()

    # --- plain proxies ---

    def nginx(self, name, server, http="", cpus=None, workers=None, listen=None):
        port, home = free_port(), self.folder / f"nginx-{name}"
        home.mkdir(exist_ok=True)
        # the folder is its owner's alone
        user = "user root;" if os.geteuid() == 0 else ""
        temporary = " ".join(f"{kind}_temp_path {home}/{kind};" for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        (home / "nginx.conf").write_text(f"""
            daemon off; {user} worker_processes {workers or self.workers}; pid {home}/pid; error_log {home}/error.log;
            events {{ worker_connections 4096; }}
            http {{ access_log off; sendfile on; tcp_nodelay on; keepalive_timeout 600s; keepalive_requests 100000000; {temporary} {http}
              server {{ listen 127.0.0.1:{port} {listen or ""} backlog=4096; {server} }} }}""")
        pid = self.start(["nginx", "-p", home, "-c", home / "nginx.conf"], port, cpus)
        return port, pid

    TLS = "ssl_certificate {0}/cert.pem; ssl_certificate_key {0}/key.pem;"

    def nginx_proxy(self, name, tls, location="", more="", http="", also=()):
        upstream = f"upstream origin {{ server 127.0.0.1:{self.origin[0]}; keepalive 256; keepalive_requests 100000000; }}"
        keys = self.TLS.format(self.folder) if tls else ""
        server = f"""{keys} location / {{ {location} proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto https; }} {more}"""
        port, pid = self.nginx(name.replace(" ", "-"), server, upstream + http, listen="ssl http2" if tls else "")
        return self.contender(name, port, [pid], tls, also=also)

    def contender(self, name, port, pids, tls, **more):
        if tls:
            more |= {"resolve": f"{HOST}:{port}=127.0.0.1", "ca": self.folder / "ca.pem"}
        return Contender(name, f"https://{HOST}:{port}" if tls else f"http://127.0.0.1:{port}", pids, **more)

    def bare_pingora(self, tls, more=""):
        port = free_port()
        files = [self.folder / "cert.pem", self.folder / "key.pem"] if tls else []
        pid = self.start([f"{self.bare}{more and '-' + more}", f"127.0.0.1:{port}", f"127.0.0.1:{self.origin[0]}", self.workers, *files], port)
        return self.contender("bare pingora" + (more and f", {more}"), port, [pid], tls)

    def haproxy(self, tls, name="HAProxy", rules="", headers=()):
        port = free_port()
        path = self.folder / f"haproxy-{port}.cfg"
        bind = f"ssl crt {self.folder}/both.pem alpn h2,http/1.1" if tls else ""
        path.write_text(f"""
global
    nbthread {self.workers}
    maxconn 4096
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 5s
    timeout http-keep-alive 60s
frontend f
    bind 127.0.0.1:{port} {bind}
    option forwardfor
{rules}
    default_backend b
backend b
    http-reuse always
    server s 127.0.0.1:{self.origin[0]} pool-max-conn 256
""")
        pid = self.start(["haproxy", "-db", "-f", path], port)
        return self.contender(name, port, [pid], tls, headers=headers)

    def haproxy_jwt(self, tls):
        """A token in each request, verified each time: HS256, the cheapest there is."""
        secret = "a-secret-that-only-this-bench-knows"
        part = lambda value: base64.urlsafe_b64encode(value).rstrip(b"=")
        head = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()) + b"." + part(json.dumps({"sub": "aino", "exp": int(time.time()) + 86400}).encode())
        token = head + b"." + part(hmac.new(secret.encode(), head, hashlib.sha256).digest())
        rules = f"""    http-request set-var(txn.bearer) http_auth_bearer
    http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
    http-request deny unless {{ var(txn.alg) -m str HS256 }}
    http-request deny unless {{ var(txn.bearer),jwt_verify(txn.alg,"{secret}") 1 }}
    http-request set-header Remote-User %[var(txn.bearer),jwt_payload_query('$.sub')]"""
        return self.haproxy(tls, "HAProxy + JWT", rules, [f"Authorization: Bearer {token.decode()}"])

    def caddy(self, tls, name="Caddy", first="", also=()):
        port = free_port()
        path = self.folder / f"Caddyfile-{port}"
        site = f"https://{HOST}:{port} {{\n bind 127.0.0.1\n tls {self.folder}/cert.pem {self.folder}/key.pem" if tls else f"http://:{port} {{\n bind 127.0.0.1"
        path.write_text(f"""{{
 admin off
 auto_https off
}}
{site}
 {first}
 reverse_proxy 127.0.0.1:{self.origin[0]}
}}
""")
        environment = os.environ | {"GOMAXPROCS": str(self.workers), "HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)}
        pid = self.start(["caddy", "run", "--adapter", "caddyfile", "--config", path], port, env=environment)
        return self.contender(name, port, [pid], tls, also=also)

    # --- proxies that ask somebody ---

    def trivial(self):
        """Says yes to everything."""
        return self.nginx("yes", 'location / { add_header Remote-User aino; return 204; }', workers=1)

    def nginx_auth_request(self, tls, kind, ask, pid):
        where = f"""location = /_ask {{ internal; proxy_pass http://ask{ask}; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Original-URL https://$http_host$request_uri; proxy_set_header X-Original-Method $request_method; }}"""
        http = f"upstream ask {{ server 127.0.0.1:{kind[1]}; keepalive 256; keepalive_requests 100000000; }}"
        here = "auth_request /_ask; auth_request_set $user $upstream_http_remote_user; proxy_set_header Remote-User $user;"
        contender = self.nginx_proxy(f"nginx + auth_request ({kind[0]})", tls, here, where, http, also=[pid])
        return self.asking(contender, tls, pid)

    def asking(self, contender, tls, pid):
        """Who asks Vestibule is driven with a session."""
        if pid != self.gateway[0]:
            return contender
        return self.as_browser(contender, tls, int(contender.url.rsplit(":", 1)[1]))

    def caddy_forward_auth(self, tls, kind, ask, pid):
        first = f"""forward_auth 127.0.0.1:{kind[1]} {{
  uri {ask}
  header_up X-Forwarded-Proto https
  copy_headers Remote-User
  transport http {{
    keepalive off
  }}
 }}"""
        # with kept connections some questions reach the application, see docs/forward-auth.md
        return self.asking(self.caddy(tls, f"Caddy + forward_auth ({kind[0]})", first, also=[pid]), tls, pid)

    def apache(self, tls):
        """mod_session with an encrypted cookie and mod_auth_form: what Apache has of its own for sign-ins."""
        port, home = free_port(), self.folder / "apache"
        home.mkdir(exist_ok=True)
        password = "{SHA}" + base64.b64encode(hashlib.sha1(b"bench").digest()).decode()
        (home / "users").write_text(f"aino:{password}\n")
        modules = ["mpm_event", "unixd", "authn_core", "authz_core", "authz_user", "authn_file", "auth_form", "request", "session", "session_cookie",
                   "session_crypto", "proxy", "proxy_http", "headers"] + (["ssl", "http2", "socache_shmcb"] if tls else [])
        load = "\n".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in modules if pathlib.Path(f"/usr/lib/apache2/modules/mod_{m}.so").exists())
        ssl = f"SSLEngine on\nSSLCertificateFile {self.folder}/cert.pem\nSSLCertificateKeyFile {self.folder}/key.pem\nProtocols h2 http/1.1" if tls else ""
        (home / "httpd.conf").write_text(f"""
ServerRoot {home}
ServerName {HOST}
PidFile {home}/pid
ErrorLog {home}/error.log
Listen 127.0.0.1:{port}
{load}
ServerLimit {self.workers}
StartServers {self.workers}
ThreadsPerChild 128
ThreadLimit 128
MaxRequestWorkers {128 * self.workers}
MinSpareThreads 1
MaxSpareThreads {128 * self.workers}
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
{ssl}
Session On
SessionCookieName session path=/
SessionCryptoPassphrase a-secret-that-only-this-bench-knows
<Location />
  AuthType form
  AuthName bench
  AuthFormProvider file
  AuthUserFile {home}/users
  Require valid-user
</Location>
<Location /login>
  SetHandler form-login-handler
  AuthFormLoginSuccessLocation /1k
</Location>
ProxyPass /login !
ProxyPass / http://127.0.0.1:{self.origin[0]}/ keepalive=On
""")
        pid = self.start(["apache2", "-D", "FOREGROUND", "-f", home / "httpd.conf"], port)
        wire = (http.client.HTTPSConnection if tls else http.client.HTTPConnection)("127.0.0.1", port, **({"context": __import__("ssl")._create_unverified_context()} if tls else {}))
        wire.request("POST", "/login", urllib.parse.urlencode({"httpd_username": "aino", "httpd_password": "bench"}), {"Content-Type": "application/x-www-form-urlencoded"})
        answer = wire.getresponse()
        cookie = (answer.getheader("set-cookie") or "").split(";")[0]
        if "session=" not in cookie:
            raise SystemExit(f"Apache has not signed us in: {answer.status}")
        return self.contender("Apache + mod_session", port, [pid], tls, headers=[f"Cookie: {cookie}"])

    # --- Vestibule ---

    def vestibule(self, settings="", routes=None, sessions=1, log="off", under=(), more="", max_age=None):
        """The gateway with all three kinds of listener; leaves the folder's store as it is. `sessions`: how many cookies are
        minted; `under`: a program that runs it; `more`: further keys of each route; `max_age`: of the
        second factor there."""
        max_age = f", max_age: {max_age}" if max_age else ""
        portal, behind, asked, operations = (free_port() for _ in range(4))
        self.ports = {"tls": portal, "plain": behind, "ask": asked, "operations": operations}
        upstream = f"http://127.0.0.1:{self.origin[0]}"
        routes = routes or [("app", HOST, "/")]
        rows = "".join(f"""
  - {{ name: {name}, host: {host}, path: {path}, upstream: "{upstream}", two_factor: {{ policy: required{max_age} }}, forward_auth: true,
      identity: {{ preset: remote-user, assertion: {{ audience: "https://{host}" }} }}{more} }}""" for name, host, path in routes)
        config = self.folder / "vestibule.yaml"
        config.write_text(f"""
listen:
  - {{ address: "127.0.0.1:{portal}", tls: {{ certificates: [ {{ certificate: cert.pem, key: key.pem }} ] }} }}
  - {{ address: "127.0.0.1:{behind}", behind_proxy: true }}
  - {{ address: "127.0.0.1:{asked}", forward_auth: true }}
operations: {{ address: "127.0.0.1:{operations}" }}
trusted_proxies: [ 127.0.0.1/32 ]
forward_auth: {{ trusted_proxies: [ 127.0.0.1/32 ] }}
logs: {{ access: {{ format: {log} }} }}
portal: {{ url: "https://login.bench.test:{portal}" }}
storage: {{ url: "sqlite:vestibule.db" }}
secrets: {{ key_file: secret.key }}
two_factor: {{ policy: required, enrolment_proof: none }}
load_testing: {{ account_prefix: load- }}
{settings}
routes:{rows}
""")
        self.config = config
        if not (self.folder / "vestibule.db").exists():
            for n in range(16):
                self.command("account", "add", f"load-{n}", "--name", f"Load {n}", "--group", "staff", "--no-password")
        cookies = self.folder / f"cookies-{sessions}"
        if sessions:
            self.command("session", "mint", "--count", sessions, "--ttl", "8h", "--account-prefix", "load-", "--host", HOST, "--output", cookies)
        pid = self.start([*under, self.binary, "serve", "--config", config], portal, seconds=120, env=os.environ | {"TOKIO_WORKER_THREADS": str(self.workers)})
        wait_for(behind)
        self.gateway = (pid, cookies)
        return pid, cookies

    def command(self, *arguments):
        done = subprocess.run([self.binary, *map(str, arguments), "--config", str(self.config)], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"vestibule {' '.join(map(str, arguments))}: {done.stderr}")
        return done.stdout

    def vestibule_contender(self, tls, name="Vestibule"):
        contender = Contender(name, "", [self.gateway[0]], ca=self.folder / "ca.pem" if tls else None)
        return self.as_browser(contender, tls, self.ports["tls" if tls else "plain"])

    def as_browser(self, contender, tls, port):
        """With a session's cookie, and the host that the session is for."""
        contender.cookies = self.gateway[1]
        contender.resolve = f"{HOST}:{port}=127.0.0.1"
        contender.url = f"{'https' if tls else 'http'}://{HOST}:{port}"
        contender.headers = [*contender.headers, f"Host: {HOST}:{self.ports['tls']}"]
        if not tls:
            # the way of the load is plain, that of the browsers was not
            contender.headers += ["X-Forwarded-Proto: https", "X-Forwarded-For: 127.0.0.1"]
        return contender

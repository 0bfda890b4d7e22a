#!/usr/bin/env python3
"""The model of docs/scale.md: so many people a day, so many nodes, so much database. Python 3.9 or later, nothing else.

    benches/scale.py                                  the tables
    benches/scale.py PEOPLE=5e6 SIGN_INS=1            with numbers of your own (the names below)
    benches/scale.py --write docs/scale.md            put the tables into the page
    benches/scale.py --check docs/scale.md            1 where the page has other tables
"""

import math
import re
import sys

# --- what people do: assumed, put in your own
PEOPLE = 50e6               # people on a day
ACCOUNTS = 1.2              # accounts for each of them
HOURS = 10                  # hours in which they come
ACTIVE_HOURS = 2            # hours in which one of them uses applications
PAGES = 40                  # pages a person opens
REQUESTS_PER_PAGE = 8       # requests of a page
PEAK = 2                    # busiest minute against the mean of those hours: pages, step-ups
SIGN_INS = 1.5              # sign-ins of a person, each with password and app code
SIGN_IN_PEAK = 4            # the same for sign-ins: everybody comes in the morning
APPS = 4                    # application hosts opened in a session
APP_PEAK = 3                # the same for those, and for signing out
WRONG = 0.10                # wrong passwords for each sign-in
SIGN_OUT = 0.20             # sessions that are ended by hand
STEP_UP = 0.05              # sessions that are raised
NEW_BROWSER = 0.03          # sign-ins in a browser that is not known: a mail
RESETS = 0.005              # forgotten passwords for each person: two mails, three audit records
HELPDESK = 0.0005           # one-time codes of the helpdesk for each person
REMINDERS = 0.002           # reminders by mail for each person
ADDRESSES = 0.5             # network addresses for each person
WORKING_DAYS = 250

# --- what a request costs
REQUEST_US = 35.4           # measured: benches/RESULTS.md, TLS 1.3, 1 KiB, session and assertion
ANSWER_KIB = 20             # assumed
KIB_US = 0.5                # assumed: each further KiB read, encrypted, written
HANDSHAKES = 0.2            # assumed: TLS handshakes for each page
HANDSHAKE_US = 400          # assumed: full ones and resumed ones mixed
ARGON_S = 0.070             # measured: docs/performance.md and docs/load-testing.md, one core
ARGON_MIB = 46              # src/domain/verifier/password.rs: m=47104, t=1, p=1
VIEW_BYTES = 2064           # measured: docs/performance.md, a person of its own for each session
CORES = 16                  # cores of a node, assumed
BUSY = 0.5                  # of the cores, by requests, at the peak
HASHING_BUSY = 0.7          # the same for hashing
MAIL_S = 0.3                # assumed: the mail server takes one

# --- what the code says
CACHE_S = 60                # authn/sessions.rs, CACHE_TTL
CELLS = 1 << 16             # authn/sessions.rs, Counters::COUNT
VIEWS_MOST = 2_000_000      # authn/sessions.rs, CAPACITY
LIFETIME_H = 10             # sessions.lifetime, default
POOL = 16                   # storage.pool, default, and one that listens
SWEEP_ROWS = 500 * 20       # store/postgres/sweep.rs: rows of a table in a sweep, each minute and node
MAILS_AT_ONCE = 4           # mail/postman.rs
TOUCH_AFTER_S = 0           # a session is written down again when it was not for so long; 0: as it is (every 5 s)

# what a sign-in (known browser) and the opening of an application write; counted in src/authn and src/store/postgres
SIGN_IN_TX, SIGN_IN_TRIPS, SIGN_IN_ROWS, SIGN_IN_READS = 4, 41, 15, 6
APP_TX, APP_TRIPS, APP_ROWS, APP_READS = 2, 10, 3, 1
AUDIT_SIGN_IN = 3

# --- what a database can do: assumed; one primary, 64 cores, NVMe, a synchronous standby
# (low, middle, high)
CAN = {
    "transactions that write": (15e3, 30e3, 60e3),
    "rows written": (75e3, 150e3, 300e3),
    "reads by key": (150e3, 300e3, 600e3),
    "WAL, MB": (200, 400, 800),
    "commits with a notice": (250, 500, 1000),
    "connections": (500, 1000, 2000),
}
READ_S = 0.0015             # a read by key with its way there and back
TRIP_S = 0.0004             # a statement with its way there and back
COMMIT_S = 0.002            # a commit, standby included
CHECKPOINT_S = 900          # checkpoint_timeout
FPI = 0.5                   # a page of 8 KiB in the WAL, compressed (wal_compression)
LOADS_AT_ONCE = 1.5         # requests of a page that miss together, sticky; 1 to 6: nothing joins them


# --- sizes of PostgreSQL rows: header 24, pointer 4, aligned to 8; index entry 8 and 4

def row(data):
    return 28 + math.ceil(data / 8) * 8


def entry(key, fill=0.7):
    return (12 + math.ceil(key / 8) * 8) / fill


# table: (bytes of the columns, [(bytes of the key, fill)])
TABLES = {
    "portal_sessions": (240, [(16, .9), (33, .7), (32, .7), (8, .9)]),
    "application_sessions": (82, [(33, .7), (16, .8)]),
    "throttle": (112, [(41, .7), (8, .8)]),
    "devices": (220, [(16, .9), (33, .7), (24, .7), (8, .8)]),
    "accounts": (520, [(16, .9), (24, .7)]),
    "audit": (193, [(8, .9), (24, .7), (48, .7), (16, .8), (8, .9)]),
}


def heap_index(table):
    data, keys = TABLES[table]
    return row(data), sum(entry(k, f) for k, f in keys)


def size(table):
    return sum(heap_index(table))


def model(people=None, spread="sticky", touch=None, valkey=False, cache=None):
    """All figures at the peak. `spread`: each request to any node, each page to any node, or sticky."""
    people = PEOPLE if people is None else people
    touch = TOUCH_AFTER_S if touch is None else touch
    cache = CACHE_S if cache is None else cache
    second = HOURS * 3600
    m = {"people": people}
    pages = m["pages"] = people * PAGES / second * PEAK
    requests = m["requests"] = pages * REQUESTS_PER_PAGE
    m["answers Gbit"] = requests * ANSWER_KIB * 1024 * 8 / 1e9
    active = m["active"] = people * ACTIVE_HOURS / HOURS * PEAK
    m["request us"] = REQUEST_US + (ANSWER_KIB - 1) * KIB_US
    m["request cores"] = requests * m["request us"] / 1e6
    m["handshakes"] = pages * HANDSHAKES
    m["handshake cores"] = m["handshakes"] * HANDSHAKE_US / 1e6
    gateway = m["gateway cores"] = (m["request cores"] + m["handshake cores"]) / BUSY
    m["sign-ins a day"] = people * SIGN_INS
    sign_ins = m["sign-ins"] = people * SIGN_INS / second * SIGN_IN_PEAK
    m["hashes"] = sign_ins * (1 + WRONG)
    m["hash cores"] = m["hashes"] * ARGON_S
    hashing = m["hashing cores"] = m["hash cores"] / HASHING_BUSY
    m["hash GiB"] = hashing * ARGON_MIB / 1024
    m["gateway nodes"] = max(2, math.ceil(gateway / CORES))
    m["sign-in nodes"] = max(2, math.ceil(hashing / CORES))
    nodes = m["nodes"] = max(2, math.ceil((gateway + hashing) / CORES))
    apps = m["apps"] = people * SIGN_INS * APPS / second * APP_PEAK
    outs = people * SIGN_INS * SIGN_OUT / second * APP_PEAK
    ups = people * SIGN_INS * STEP_UP / second * PEAK
    changes = people * (RESETS * 2 + HELPDESK) / second * PEAK
    notices = m["notices"] = outs + ups + changes

    # the cache: a view is believed until its time is over or its cell moves on, whichever is first
    moved = (notices + sign_ins / nodes) / CELLS
    m["cache s"] = believed = (1 - math.exp(-cache * moved)) / moved if moved else cache
    tosses = {"each request": REQUESTS_PER_PAGE, "each page": 1}.get(spread)
    met = 1 if tosses is None else nodes * (1 - (1 - 1 / nodes) ** tosses)
    on = 1 if tosses is None else nodes
    a_page = ACTIVE_HOURS * 3600 / PAGES
    m["met"] = met
    m["misses"] = active * on / (believed + a_page * on / met)
    m["bound"] = nodes * active / cache
    again = 1 + (1 - math.exp(-(notices + sign_ins / nodes) * READ_S))
    m["again"] = again
    joined = 1 if spread == "each request" else LOADS_AT_ONCE
    m["session reads"] = m["misses"] * again * joined
    m["views a node"] = m["misses"] * cache * 1.5 / nodes
    m["views MB"] = m["views a node"] * VIEW_BYTES / 1e6
    # touches: every node that has seen a page says so
    m["touches"] = pages * met if not touch else active / (touch + a_page) * met

    # the database
    other_reads = sign_ins * SIGN_IN_READS + apps * APP_READS + sign_ins * WRONG * 2
    woken = min(notices, 1 / (2 * READ_S)) * nodes
    m["notice reads"] = woken
    m["notice rows"] = notices * nodes
    wrongs = sign_ins * WRONG
    tx = sign_ins * SIGN_IN_TX + apps * APP_TX + wrongs * 2 + outs + ups * 3 + changes * 3
    rows = (sign_ins * SIGN_IN_ROWS + apps * APP_ROWS + wrongs * 3 + outs * 3 + ups * 8 + changes * 8
            + m["touches"])
    ended = people * SIGN_INS * (1 - SIGN_OUT) / second * SIGN_IN_PEAK
    m["sweep a node"] = SWEEP_ROWS / 60
    m["ended"] = ended
    m["sweep nodes day"] = people * SIGN_INS * (1 - SIGN_OUT) / (SWEEP_ROWS * 1440)
    rows += ended * (1 + APPS)
    reads = m["session reads"] + other_reads + woken
    audit_a_day = people * (SIGN_INS * (AUDIT_SIGN_IN + SIGN_OUT + STEP_UP * 2 + WRONG + NEW_BROWSER)
                            + RESETS * 3 + HELPDESK * 2 + REMINDERS)
    m["audit a day"] = audit_a_day
    m["audit rows"] = sign_ins * (AUDIT_SIGN_IN + WRONG + NEW_BROWSER) + outs + ups * 2 + changes * 2
    m["audit bytes"] = size("audit")
    m["audit year TB"] = audit_a_day * WORKING_DAYS * size("audit") / 1e12
    live = m["live"] = people * SIGN_INS * (1 - SIGN_OUT) * min(1, LIFETIME_H / HOURS)
    counts = {"portal_sessions": live, "application_sessions": live * APPS, "throttle": people * ADDRESSES,
              "devices": people * ACCOUNTS * 2, "accounts": people * ACCOUNTS}
    m["tables"] = {t: (n, size(t), n * size(t) / 1e9) for t, n in counts.items()}

    # WAL: records, and a whole page the first time one is written after a checkpoint
    def record(table):
        data, keys = TABLES[table]
        return 50 + row(data) + sum(60 + 12 + k for k, _ in keys)

    touches_record = 110
    wal = (sign_ins * (record("portal_sessions") + 2 * 300 + record("devices") + 6 * 150 + 2 * 400)
           + m["audit rows"] * record("audit") + apps * (record("application_sessions") + 2 * 250)
           + ended * (1 + APPS) * 80 + m["touches"] * touches_record + notices * 300)
    year = audit_a_day * WORKING_DAYS
    pages_of = lambda n, b: n * b / 8192
    written = [  # (pages there are, pages written a second), for what lies scattered
        (pages_of(year, entry(24)), sign_ins), (pages_of(year, entry(48)), sign_ins),
        (pages_of(counts["accounts"], row(520)), sign_ins),
        (pages_of(counts["devices"], size("devices")), sign_ins * 4),
        (pages_of(live, entry(33)), sign_ins), (pages_of(live, entry(32)), sign_ins),
        (pages_of(live * APPS, entry(33)), apps), (pages_of(live, row(240)), m["touches"]),
        (pages_of(counts["throttle"], size("throttle")), sign_ins * 2),
    ]
    session_part = {4, 5, 6, 7}

    def whole(which):
        return sum(p * (1 - math.exp(-t * CHECKPOINT_S / p)) * 8192 * FPI / CHECKPOINT_S
                   for i, (p, t) in enumerate(written) if i in which)

    if valkey:
        # gone: portal and application sessions, tickets, sign-ins under way, touches, their end, their look-ups
        tx -= apps * APP_TX  # a sign-in and a sign-out still commit their audit records
        rows -= apps * APP_ROWS + sign_ins * 3 + m["touches"] + ended * (1 + APPS) + outs
        reads -= m["session reads"] + apps * APP_READS + sign_ins * 2
        wal -= (sign_ins * record("portal_sessions") + sign_ins * 2 * 300
                + apps * (record("application_sessions") + 2 * 250)
                + ended * (1 + APPS) * 80 + m["touches"] * touches_record)
        left = set(range(len(written))) - session_part
    else:
        left = set(range(len(written)))
    m["wal records MB"] = wal / 1e6
    m["wal pages MB"] = whole(left) / 1e6
    m["demand"] = {
        "transactions that write": tx,
        "rows written": rows,
        "reads by key": reads,
        "WAL, MB": (wal + whole(left)) / 1e6,
        # with sessions elsewhere, what ends or raises one is told there
        "commits with a notice": changes if valkey else notices,
        "connections": nodes * (POOL + 1),
    }
    trips = sign_ins * SIGN_IN_TRIPS + apps * APP_TRIPS
    m["busy connections"] = trips * TRIP_S + tx * COMMIT_S + m["session reads"] * READ_S
    m["mails"] = sign_ins * NEW_BROWSER + people * (RESETS * 2 + HELPDESK + REMINDERS) / second * PEAK
    m["mails a day"] = people * (SIGN_INS * NEW_BROWSER + RESETS * 2 + HELPDESK + REMINDERS)
    m["mail a node"] = MAILS_AT_ONCE / MAIL_S
    m["account pages"] = people * ACCOUNTS / 500
    m["network sign-ins"] = 1 / (8 * TRIP_S + 10 * TRIP_S + 2 * COMMIT_S)
    # Valkey
    m["valkey GB"] = (live * 450 + live * APPS * 250 + live * 120) / 1e9
    m["valkey ops"] = m["session reads"] + m["touches"] + apps * 4 + sign_ins * 6
    return m


def limit(what, which, **how):
    """At how many people the demand is what the database can do."""
    low, high = 1e3, 1e10
    for _ in range(80):
        middle = math.sqrt(low * high)
        if model(middle, **how)["demand"][what] > CAN[what][which]:
            high = middle
        else:
            low = middle
    return low


# --- showing

def n(value):
    """Three digits that count."""
    if value == int(value) and abs(value) < 1000:
        return str(int(value))
    digits = 2 - math.floor(math.log10(abs(value)))
    value = round(value, digits)
    return f"{value:,.{max(0, digits)}f}" if value < 100 else f"{value:,.0f}"


def millions(value):
    return n(value / 1e6)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(r) + " |" for r in rows])


HOW = [("each request to any node", {"spread": "each request"}), ("each page to any node", {"spread": "each page"}),
       ("sticky", {"spread": "sticky"})]


def tables():
    sizes = [1e6, 5e6, 10e6, PEOPLE] if PEOPLE > 10e6 else [PEOPLE / 10, PEOPLE / 2, PEOPLE]
    each = [model(s) for s in sizes]
    head = ["people a day"] + [millions(s) + " million" for s in sizes]

    def line(name, key):
        return [name] + [n(m[key]) for m in each]

    yield "nodes", table(head, [
        line("pages/s", "pages"), line("requests/s", "requests"), line("answers, Gbit/s", "answers Gbit"),
        line("people active at once", "active"),
        line("cores for requests, all busy", "request cores"),
        line("cores for handshakes, all busy", "handshake cores"),
        line("cores to have for both", "gateway cores"),
        line("sign-ins/s", "sign-ins"), line("password hashes/s", "hashes"), line("cores for hashing, all busy", "hash cores"),
        line("cores to have for hashing", "hashing cores"), line("memory for hashing, GiB", "hash GiB"),
        line("gateway nodes, if apart", "gateway nodes"), line("sign-in nodes, if apart", "sign-in nodes"),
        line("nodes, all alike", "nodes")])

    rows = []
    for name, how in HOW:
        m = model(**how)
        rows.append([name, n(m["met"]), millions(m["bound"]), n(m["misses"]), n(m["session reads"]),
                     n(100 * m["misses"] / m["requests"]) + " %", n(m["touches"]), n(m["views a node"]), n(m["views MB"])])
    yield "cache", table(["balancing", "nodes a page meets", "nodes x active / 60, millions/s", "misses/s", "reads/s",
                          "of requests", "rows touched/s", "views a node", "MB a node"], rows)

    rows = []
    for seconds in (60, 300, 900):
        m = model(cache=seconds)
        rows.append([f"{seconds} s", n(m["cache s"]), n(m["misses"]), n(m["session reads"])])
    yield "longer", table(["cache, sticky", "believed on average, s", "misses/s", "reads/s"], rows)

    rows = [[f"every {s} s at most" if s else "as it is", n(model(touch=s)["touches"])] for s in (0, 60, 300, 900)]
    yield "touches", table(["a session is written down", "rows/s, sticky"], rows)

    m = model()
    rows = [[t, millions(c), n(heap_index(t)[0]), n(heap_index(t)[1]), n(gb)] for t, (c, _, gb) in m["tables"].items()]
    h, i = heap_index("audit")
    rows.append(["audit, a day", millions(m["audit a day"]), n(h), n(i), n(m["audit a day"] * (h + i) / 1e9)])
    rows.append([f"audit, a year of {WORKING_DAYS} days", millions(m["audit a day"] * WORKING_DAYS), n(h), n(i),
                 n(m["audit year TB"] * 1000)])
    yield "sizes", table(["table", "rows, millions", "bytes a row", "bytes of its indexes", "GB"], rows)

    names = list(CAN)
    shown = [("each request to any node", {"spread": "each request"}), ("sticky", {}),
             ("sticky, touch 900 s", {"touch": 900}), ("Valkey, sticky", {"valkey": True})]
    rows = [[w] + [n(model(**how)["demand"][w]) for _, how in shown] + [" to ".join(n(v) for v in (CAN[w][0], CAN[w][2]))]
            for w in names]
    yield "demand", table([f"a second, {millions(PEOPLE)} million people"] + [s for s, _ in shown] + ["one server can (assumed)"], rows)

    rows = [[w] + [f"**{millions(limit(w, 1, **how))}** ({millions(limit(w, 0, **how))} to {millions(limit(w, 2, **how))})"
                   for _, how in shown] for w in names]
    firsts = []
    for _, how in shown:
        by = sorted((limit(w, 1, **how), w) for w in names)
        firsts.append(f"{by[0][1]}, {millions(by[0][0])}")
    rows.append(["first of them"] + firsts)
    yield "limits", table(["millions of people a day"] + [s for s, _ in shown], rows)

    m = model()
    rows = [
        ["commits with a notice/s", n(m["notices"])],
        ["notices read by all nodes, rows/s", n(m["notice rows"])],
        ["questions for them, all nodes, at most/s", n(m["notice reads"])],
        ["views believed on average because of shared cells, s", n(m["cache s"])],
        ["reads for each miss because something was forgotten meanwhile", n(m["again"])],
        ["connections of all pools", n(m["demand"]["connections"])],
        ["connections busy, by Little's law", n(m["busy connections"])],
        ["sessions that run out/s", n(m["ended"])],
        ["rows a node's sweep removes of a table/s", n(m["sweep a node"])],
        ["nodes needed for sweeping, mean of the day", n(m["sweep nodes day"])],
        ["mails a day", n(m["mails a day"])],
        ["mails/s at the peak", n(m["mails"])],
        ["mails a node sends/s", n(m["mail a node"])],
        ["pages of 500 accounts that each node reads an hour", n(m["account pages"])],
        ["sign-ins/s from one address (its counter's lock)", n(m["network sign-ins"])],
        ["WAL of records, MB/s", n(m["wal records MB"])],
        ["WAL of whole pages, MB/s", n(m["wal pages MB"])],
    ]
    yield "rest", table([f"{millions(PEOPLE)} million people, sticky", ""], rows)

    rows = []
    for seconds in (5, 30, 60, 300):
        # a page goes on where its view was loaded less than CACHE_S ago; ever fewer were
        hits = 1 - m["misses"] / m["pages"]
        gone = 1 - hits * (1 - seconds / CACHE_S / 2 if seconds <= CACHE_S else CACHE_S / 2 / seconds)
        waiting = m["sign-ins"] * seconds
        spare = m["hashing cores"] / ARGON_S - m["hashes"]
        rows.append([f"{seconds} s", n(100 * gone) + " %", n(waiting), n(waiting / spare) + " s"])
    yield "fail-over", table(["away for", "of pages fail", "sign-ins refused", "hashing catches up within"], rows)

    rows = []
    for name, low, high in (("PAGES", 10, 100), ("REQUESTS_PER_PAGE", 3, 20), ("SIGN_INS", 1, 3), ("SIGN_IN_PEAK", 2, 8),
                            ("APPS", 2, 10), ("SIGN_OUT", 0.05, 0.5), ("ACTIVE_HOURS", 1, 6), ("ARGON_S", 0.05, 0.1)):
        usual, shown = globals()[name], []
        for value in (low, high):
            globals()[name] = value
            first, what = min((limit(w, 1), w) for w in names)
            shown += [str(value), n(model()["nodes"]), f"{millions(first)}, {what}"]
        globals()[name] = usual
        rows.append([name] + shown)
    yield "unsure", table(["assumption", "low", "nodes", "first limit, millions of people", "high", "nodes",
                           "first limit, millions of people"], rows)

    rows = []
    for count in (1, 2, 5, 10):
        s = model(PEOPLE / count, touch=900)
        rows.append([str(count), millions(PEOPLE / count), n(s["nodes"])] + [n(s["demand"][w]) for w in names])
    yield "cells", table(["cells", "millions of people each", "nodes each"] + names, rows)

    rows = [["memory of one copy, GB", n(m["valkey GB"])], ["operations/s", n(m["valkey ops"])]]
    yield "valkey", table(["sessions in Valkey, sticky", ""], rows)


def main():
    arguments = sys.argv[1:]
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    if arguments[:1] and arguments[0] in ("--write", "--check") and len(arguments) == 2:
        text = open(arguments[1], encoding="utf-8").read()
        new, missing = text, []
        for name, shown in tables():
            new, met = re.subn(rf"(<!-- {re.escape(name)} -->\n).*?(\n<!-- end -->)", lambda g, s=shown: g[1] + s + g[2], new, flags=re.S)
            missing += [] if met else [name]
        if missing:
            sys.exit(f"{arguments[1]} has no place for: {', '.join(missing)}")
        if arguments[0] == "--check":
            return int(new != text)
        open(arguments[1], "w", encoding="utf-8").write(new)
        return 0
    for argument in arguments:
        name, _, value = argument.partition("=")
        if not isinstance(globals().get(name), (int, float)) or not name.isupper():
            sys.exit(f"{name}: no such number; the names are at the top of {sys.argv[0]}")
        globals()[name] = float(value) if re.search(r"[.e]", value) else int(value)
    for name, shown in tables():
        print(f"{name}\n\n{shown}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

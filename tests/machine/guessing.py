"""Tries wrong passwords on every road that Odoo has for them, each road as a visitor of its own.

A proxy that nginx trusts says where a visitor comes from. Printed is, for each road, how many tries came through to
Odoo, how many nginx refused, how many it kept out, and after how many seconds it began to.
"""

import collections
import http.client
import json
import re
import sys
import threading
import time

HOST, TRIES, AT_ONCE, PATIENCE = sys.argv[1], int(sys.argv[2]), 60, 6


def ask(method, path, address, body=None, headers=()):
    connection = http.client.HTTPConnection("127.0.0.1", 80, timeout=PATIENCE)
    try:
        connection.request(method, path, body, {"Host": HOST, "X-Forwarded-For": address, **dict(headers)})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace"), answer.getheader("Set-Cookie") or ""
    except OSError:
        return 0, "", ""
    finally:
        connection.close()


def rpc(service, method, *args):
    params = {"service": service, "method": method, "args": args}
    return json.dumps({"jsonrpc": "2.0", "method": "call", "params": params})


def xml(method, *args):
    values = "".join(f"<param><value>{arg}</value></param>" for arg in args)
    return f"<?xml version='1.0'?><methodCall><methodName>{method}</methodName><params>{values}</params></methodCall>"


JSON, FORM, XML = "application/json", "application/x-www-form-urlencoded", "text/xml"
WRONG = ["odoo", "nobody", "wrong"]
LOGIN = json.dumps({"jsonrpc": "2.0", "params": dict(zip(["db", "login", "password"], WRONG))})


def page(address):
    _, text, cookie = ask("GET", "/web/login", address)
    token = re.search(r'csrf_token" value="([^"]+)"', text) or re.search(r'csrf_token: "([^"]+)"', text)
    body = f"csrf_token={token[1]}&login=nobody&password=wrong"
    return "/web/login", body, {"Content-Type": FORM, "Cookie": cookie.split(";")[0]}


ROADS = {
    "page": page,
    "session": lambda _: ("/web/session/authenticate/", LOGIN, {"Content-Type": JSON}),
    "xmlrpc": lambda _: ("/xmlrpc/2/object", xml("execute_kw", "odoo", "<int>9999</int>", "wrong", "res.users", "read"),
                         {"Content-Type": XML}),
    "jsonrpc": lambda _: ("/jsonrpc", rpc("common", "login", *WRONG), {"Content-Type": JSON}),
    "json2": lambda _: ("/json/2/res.users/context_get", "{}", {"Content-Type": JSON, "Authorization": "bearer wrong"}),
}


def attack(road, address, found):
    path, body, headers = ROADS[road](address)
    began, first, counts, lock, left = time.time(), [], collections.Counter(), threading.Lock(), list(range(TRIES))

    def work():
        while True:
            with lock:
                if not left:
                    return
                left.pop()
            status, text, _ = ask("POST", path, address, body, headers)
            kind = {429: "refused", 403: "kept out", 0: "waiting", 502: "lost"}.get(status, "through")
            if status == 403 and "nginx" not in text:
                kind = "through"
            with lock:
                counts[kind] += 1
                if kind == "kept out" and not first:
                    first.append(round(time.time() - began, 1))

    # many guesses at once; then page requests, until fail2ban can have seen Odoo's log
    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    end = time.time() + 15
    while not first and time.time() < end:
        if ask("GET", "/web/login", address)[0] == 403:
            first.append(round(time.time() - began, 1))
        time.sleep(0.2)
    found[road] = dict(counts, after=first[0] if first else None)


found = {}
visitors = {road: f"198.51.100.{number + 1}" for number, road in enumerate(ROADS)}
threads = [threading.Thread(target=attack, args=(road, address, found)) for road, address in visitors.items()]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
found["neighbour"] = ask("GET", "/web/login", "198.51.100.99")[0]
found["calls"] = ask("POST", "/jsonrpc", "198.51.100.99", rpc("common", "version"), {"Content-Type": JSON})[0]
print(json.dumps(found))

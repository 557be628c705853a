"""What a full Odoo does under its unit, asked as its users do: prints what it found as JSON."""
import base64, json, os, re, socket, subprocess, sys, threading, time, urllib.parse, urllib.request, http.cookiejar

ODOO, GEVENT, SMTP = "http://127.0.0.1:8069", 8072, 2525
PASSWORD = open(sys.argv[1]).read().strip()
found, mails = {}, []


def sink():
    """A mail server that takes everything."""
    server = socket.create_server(("127.0.0.1", SMTP))

    def serve(connection):
        stream = connection.makefile("rwb")
        say = lambda text: (stream.write(text + b"\r\n"), stream.flush())
        say(b"220 sink ESMTP")
        while line := stream.readline():
            word = line[:4].upper()
            if word == b"DATA":
                say(b"354 go on")
                lines = []
                while (line := stream.readline()) not in (b".\r\n", b""):
                    lines.append(line)
                mails.append(b"".join(lines).decode(errors="replace"))
                say(b"250 taken")
            elif word == b"QUIT":
                say(b"221 bye")
                break
            else:
                say(b"250 sink" if word == b"EHLO" else b"250 ok")
        connection.close()

    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()


threading.Thread(target=sink, daemon=True).start()
browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))


def post(path, **params):
    data = json.dumps({"jsonrpc": "2.0", "method": "call", "params": params}).encode()
    request = urllib.request.Request(ODOO + path, data, {"Content-Type": "application/json"})
    answer = json.load(browser.open(request, timeout=120))
    if "error" in answer:
        raise SystemExit(f"{path} {params}: {answer['error']['data']['debug']}")
    return answer["result"]


def call(model, method, *args, **kwargs):
    return post("/web/dataset/call_kw", model=model, method=method, args=list(args), kwargs=kwargs)


def until(what, seconds, ask):
    end = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {seconds} s")
        time.sleep(0.5)
    return answer


post("/web/session/authenticate", db="odoo", login="admin", password=PASSWORD)

# a report with a bar code, printed by a worker that requests the picture from itself; and the same without text
call("ir.config_parameter", "set_param", "report.url", ODOO)
PAGE = """<t t-name="test.%s"><t t-call="web.html_container"><t t-call="web.basic_layout"><div class="page">
<p>%s</p><img style="width:400px;height:80px" alt="code"
 src="/report/barcode/?barcode_type=Code128&amp;value=4711&amp;width=400&amp;height=80"/></div></t></t></t>"""
for name, words in ("page", "Rechnung canary 4711"), ("blank", ""):
    key = "test." + name
    call("ir.ui.view", "create", {"name": name, "type": "qweb", "key": key, "arch": PAGE % (name, words)})
    call("ir.actions.report", "create", {"name": name, "model": "res.partner", "report_type": "qweb-pdf",
                                         "report_name": key})
    began = time.monotonic()
    pdf = browser.open(f"{ODOO}/report/pdf/{key}/1", timeout=120).read()
    open(f"/tmp/{name}.pdf", "wb").write(pdf)
    if words:
        found["pdf_seconds"] = round(time.monotonic() - began, 1)
        found["pdf"] = pdf[:5].decode() + " " + str(len(pdf)) + " bytes"
code = browser.open(ODOO + "/report/barcode/?barcode_type=Code128&value=4711&width=400&height=80").read()
found["barcode"] = code[:8] == b"\x89PNG\r\n\x1a\n"

# websockets: the handshake, with the worker for websockets
with socket.create_connection(("127.0.0.1", GEVENT), timeout=30) as web:
    key = base64.b64encode(os.urandom(16)).decode()
    web.sendall(f"GET /websocket HTTP/1.1\r\nHost: 127.0.0.1:{GEVENT}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nOrigin: {ODOO}\r\n\r\n".encode())
    found["websocket"] = web.recv(4096).split(b"\r\n")[0].decode()

# a mail in the queue and a scheduled action of this test: the next cron worker sends the mail and runs the
# action
call("ir.mail_server", "create", {"name": "sink", "smtp_host": "127.0.0.1", "smtp_port": SMTP,
                                  "smtp_encryption": "none"})
letter = call("mail.mail", "create", {"subject": "canary 4711", "email_from": "erp@example.org",
                                      "email_to": "you@example.org", "body_html": "<p>hello</p>"})
model = call("ir.model", "search", [["model", "=", "ir.config_parameter"]])[0]
job = call("ir.cron", "create", {"name": "job", "model_id": model, "state": "code", "interval_number": 1,
                                 "interval_type": "hours", "nextcall": "2020-01-01 00:00:00",
                                 "code": "model.set_param('test.job', 'ran')"})
queue = call("ir.cron", "search", [["cron_name", "ilike", "Email Queue"]])
call("ir.cron", "write", queue, {"nextcall": "2020-01-01 00:00:00"})
subprocess.run(["systemctl", "reload", "odoo.service"], check=True)


def answers():
    try:
        return post("/web/session/authenticate", db="odoo", login="admin", password=PASSWORD)
    except OSError:
        return None


until("Odoo after a reload", 60, answers)
until("the job", 150, lambda: call("ir.config_parameter", "get_param", "test.job") == "ran")
found["cron"] = True
until("the letter", 90, lambda: any("canary 4711" in mail for mail in mails))
found["mail"] = True
print(json.dumps(found))

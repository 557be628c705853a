//! A browser, driven through its debugging pipe.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::server::Server;

/// The longest time to wait for a page.
const PATIENCE: Duration = Duration::from_secs(120);

/// Starts Chromium without a screen. It reads requests from descriptor 3 and answers on 4, each terminated by
/// NUL.
const START: &str = "exec chromium --headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run \
     --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage \
     --window-size=1280,800 --user-data-dir=/tmp/browser --remote-debugging-pipe 3<&0 4>&1 >/dev/null 2>&1";

/// A page in a browser on the machine.
pub(crate) struct Browser {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    session: Value,
    last: u64,
}

impl Browser {
    /// Starts a browser with an empty page; it trusts the certificate authority at `authority`.
    pub(crate) fn start(server: &Server, authority: &str) -> Self {
        server.sh(&format!(
            "mkdir -p /root/.pki/nssdb && certutil -d sql:/root/.pki/nssdb -N --empty-password && \
             certutil -d sql:/root/.pki/nssdb -A -t C,, -n odoo-deploy -i {authority}"
        ));
        let mut child = server
            .command("sh")
            .args(["-c", START])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a browser");
        let (requests, answers) = (child.stdin.take(), child.stdout.take());
        let mut browser = Self {
            child,
            requests: requests.expect("its input"),
            answers: BufReader::new(answers.expect("its output")),
            session: Value::Null,
            last: 0,
        };
        let page = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        browser.session = browser.call("Target.attachToTarget", attach)["sessionId"].take();
        browser
    }

    #[allow(clippy::needless_pass_by_value, reason = "callers write it in place")]
    fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut request = json!({ "id": self.last, "method": method, "params": params });
        if !self.session.is_null() {
            request["sessionId"] = self.session.clone();
        }
        write!(self.requests, "{request}\0").expect("a request");
        self.requests.flush().expect("a request");
        loop {
            let mut bytes = Vec::new();
            self.answers.read_until(0, &mut bytes).expect("an answer");
            assert!(!bytes.is_empty(), "the browser is gone");
            bytes.pop();
            let mut answer: Value = serde_json::from_slice(&bytes).expect("JSON");
            if answer["id"] == self.last {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].take();
            }
        }
    }

    pub(crate) fn open(&mut self, url: &str) {
        let opened = self.call("Page.navigate", json!({ "url": url }));
        assert!(opened["errorText"].is_null(), "{url}: {opened}");
    }

    /// The value of a JavaScript expression in the page.
    pub(crate) fn worth(&mut self, expression: &str) -> Value {
        let ask = json!({ "expression": expression, "returnByValue": true });
        self.call("Runtime.evaluate", ask)["result"]["value"].take()
    }

    /// Waits until an element that matches `selector` is visible.
    pub(crate) fn await_shown(&mut self, selector: &str) {
        let began = Instant::now();
        let shown = format!("(document.querySelector('{selector}')?.offsetHeight ?? 0) > 0");
        while self.worth(&shown) != json!(true) {
            let page = self.worth("location.href + ' ' + document.body?.innerText.slice(0, 2000)");
            assert!(began.elapsed() < PATIENCE, "no `{selector}` at {page}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// A screenshot as PNG.
    pub(crate) fn picture(&mut self) -> Vec<u8> {
        let taken = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        let text = taken["data"].as_str().expect("a picture").to_owned();
        let mut decode = Command::new("base64")
            .arg("-d")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("base64");
        let mut input = decode.stdin.take().expect("its input");
        let feed = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = decode.wait_with_output().expect("a picture");
        feed.join().expect("fed").expect("fed");
        output.stdout
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = write!(self.requests, "{{\"id\":0,\"method\":\"Browser.close\"}}\0");
        let _ = self.requests.flush();
        let _ = self.child.wait();
    }
}

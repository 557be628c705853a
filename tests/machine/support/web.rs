//! Requests to Odoo from the machine itself.

use std::fs::File;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use serde_json::{Value, json};

use super::server::{PASSWORD, Server};

/// The address of Odoo, inside.
const ODOO: &str = "http://127.0.0.1:8069";
const HEALTH: &str = "/web/health?db_server_status=1";

/// An answer: its status, or 0 without an answer, and its text.
type Answer = (u16, String);

/// Sends a request inside the machine's network, because Odoo listens only on the loopback address.
fn ask(server: &Server, path: &str, body: Option<&Value>) -> Answer {
    let network = File::open(server.namespaces().join("net")).expect("its network");
    let url = format!("{ODOO}{path}");
    let request = || {
        setns(network, CloneFlags::CLONE_NEWNET).expect("into its network");
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(60)));
        let agent: ureq::Agent = config.build().into();
        let answer = match body {
            Some(body) => agent
                .post(&url)
                .header("content-type", "application/json")
                .send(body.to_string()),
            None => agent.get(&url).call(),
        };
        answer.map_or((0, String::new()), |mut answer| {
            let status = answer.status().as_u16();
            (
                status,
                answer.body_mut().read_to_string().unwrap_or_default(),
            )
        })
    };
    // in a new thread, so that only this thread enters the machine's network namespace
    std::thread::scope(|scope| scope.spawn(request).join().expect("an answer"))
}

pub(crate) fn get(server: &Server, path: &str) -> Answer {
    ask(server, path, None)
}

/// Calls a service of Odoo over JSON-RPC.
///
/// # Errors
/// If Odoo refuses the call.
#[allow(clippy::needless_pass_by_value, reason = "callers write it in place")]
pub(crate) fn call(
    server: &Server,
    service: &str,
    method: &str,
    args: Value,
) -> Result<Value, Value> {
    let call = json!({
        "jsonrpc": "2.0", "id": 1, "method": "call",
        "params": {"service": service, "method": method, "args": args},
    });
    let (status, text) = ask(server, "/jsonrpc", Some(&call));
    assert_eq!(status, 200, "{text}");
    let mut answer: Value = serde_json::from_str(&text).expect("JSON");
    match answer.get("error") {
        Some(error) => Err(error.clone()),
        None => Ok(answer["result"].take()),
    }
}

/// Whether `admin` can sign in.
pub(crate) fn signs_in(server: &Server, password: &str) -> bool {
    user(server, password).is_some_and(|user| user > 0)
}

fn user(server: &Server, password: &str) -> Option<u64> {
    let args = json!(["odoo", "admin", password]);
    call(server, "common", "login", args)
        .expect("an answer")
        .as_u64()
}

/// Odoo's models, as `admin` reaches them.
pub(crate) struct Admin<'s> {
    server: &'s Server,
    user: u64,
    password: String,
}

impl<'s> Admin<'s> {
    pub(crate) fn of(server: &'s Server) -> Self {
        let password = password(server);
        let user = user(server, &password).expect("it signs in");
        Self {
            server,
            user,
            password,
        }
    }

    /// Calls a method of a model; a refusal fails the test.
    #[allow(clippy::needless_pass_by_value, reason = "callers write it in place")]
    pub(crate) fn execute(&self, model: &str, method: &str, args: Value) -> Value {
        let all = json!(["odoo", self.user, self.password, model, method, args]);
        let answer = call(self.server, "object", "execute_kw", all);
        answer.unwrap_or_else(|error| panic!("{model}.{method}: {}", error["data"]["message"]))
    }
}

/// The generated password.
pub(crate) fn password(server: &Server) -> String {
    server.read(PASSWORD).trim().to_owned()
}

/// Asserts that Odoo, its database and its login page answer, and that the generated password works.
pub(crate) fn expect_alive(server: &Server) {
    let (status, text) = get(server, HEALTH);
    assert_eq!(status, 200, "health: {text}");
    let (status, text) = get(server, "/web/login");
    assert!(
        status == 200 && text.contains("name=\"login\""),
        "login page: {status}"
    );
    assert!(
        signs_in(server, &password(server)),
        "the generated password opens nothing"
    );
}

/// Waits until Odoo answers after a boot; returns the seconds that this took.
pub(crate) fn await_health(server: &Server) -> f64 {
    let began = Instant::now();
    while get(server, HEALTH).0 != 200 {
        let status = || server.sh("systemctl status --no-pager odoo.service || true");
        assert!(
            began.elapsed() < Duration::from_secs(90),
            "no health:\n{}",
            status()
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    began.elapsed().as_secs_f64()
}

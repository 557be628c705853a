//! One run of the real binary.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use jsonschema::Validator;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::server::text;
use super::tally;

/// A finished run.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    /// With `--json`: its events.
    pub(crate) events: Vec<Value>,
    pub(crate) seconds: f64,
    /// With `--json`: the steps, with the time at which each began, in seconds.
    pub(crate) steps: Vec<(String, f64)>,
}

impl Run {
    pub(crate) fn to_end(mut command: Command) -> Self {
        tally::run();
        let began = Instant::now();
        let output = command.output().expect("odoo-deploy");
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
            events: Vec::new(),
            seconds: began.elapsed().as_secs_f64(),
            steps: Vec::new(),
        }
    }

    pub(crate) fn expect_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "exit code\n{}\n{}", self.out, self.err);
        self
    }

    /// Both streams, one after the other.
    pub(crate) fn told(&self) -> String {
        format!("{}\n{}", self.out, self.err)
    }

    pub(crate) fn expect_told(&self, words: &str) -> &Self {
        assert!(
            self.told().contains(words),
            "no `{words}` in\n{}",
            self.told()
        );
        self
    }

    pub(crate) fn of(&self, event: &str) -> Vec<&Value> {
        self.events
            .iter()
            .filter(|line| line["event"] == event)
            .collect()
    }

    /// The planned steps that would change something.
    pub(crate) fn pending(&self) -> Vec<&Value> {
        let mut planned = self.of("planned");
        planned.retain(|change| change["before"] != change["after"]);
        planned
    }

    /// The names of the planned steps that would change something.
    pub(crate) fn pending_steps(&self) -> Vec<&str> {
        self.pending()
            .iter()
            .filter_map(|change| change["step"].as_str())
            .collect()
    }

    pub(crate) fn outcome(&self) -> &str {
        let ended = self.of("ended");
        assert_eq!(ended.len(), 1, "it ends once\n{}", self.out);
        ended[0]["outcome"].as_str().expect("an outcome")
    }
}

/// A run with `--json` that is under way.
pub(crate) struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
    complaint: JoinHandle<String>,
    run: Run,
    began: Instant,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        tally::run();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("odoo-deploy");
        let lines = BufReader::new(child.stdout.take().expect("its output"));
        let mut stream = child.stderr.take().expect("its complaints");
        let complaint = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stream.read_to_string(&mut text);
            text
        });
        let run = Run {
            code: -1,
            out: String::new(),
            err: String::new(),
            events: Vec::new(),
            seconds: 0.0,
            steps: Vec::new(),
        };
        Self {
            child,
            lines,
            complaint,
            run,
            began: Instant::now(),
        }
    }

    fn next(&mut self) -> Option<&Value> {
        let mut line = String::new();
        if self.lines.read_line(&mut line).expect("its output") == 0 {
            return None;
        }
        self.run.out.push_str(&line);
        let event = serde_json::from_str(&line).unwrap_or_else(|e| panic!("no JSON: {e}: {line}"));
        validate(&event);
        if event["event"] == "step_began" {
            let step = event["step"].as_str().expect("a step").to_owned();
            let at = self.began.elapsed().as_secs_f64();
            self.run.steps.push((step, at));
        }
        self.run.events.push(event);
        self.run.events.last()
    }

    /// Waits until `step` begins.
    pub(crate) fn await_step(&mut self, step: &str) {
        self.await_where(step, |event| is_begin(event, step));
    }

    /// Reads events until `step` begins, or until the run ends.
    pub(crate) fn read_to_step(&mut self, step: &str) {
        while self.next().is_some_and(|event| !is_begin(event, step)) {}
    }

    /// Waits for an event called `name`.
    pub(crate) fn await_event(&mut self, name: &str) {
        self.await_where(name, |event| event["event"] == name);
    }

    pub(crate) fn await_where(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) {
        loop {
            match self.next() {
                Some(event) if is_it(event) => return,
                Some(_) => (),
                None => panic!("it never told of `{what}`\n{}", self.run.out),
            }
        }
    }

    /// Whether the run is still under way.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_none()
    }

    /// The process of odoo-deploy, by its number on the host; it is a child of the program that entered the
    /// machine. Returns `None` once it has ended.
    pub(crate) fn process(&self) -> Option<Pid> {
        let entered = self.child.id();
        let path = format!("/proc/{entered}/task/{entered}/children");
        let deadline = self.began + Duration::from_secs(10);
        loop {
            let children = fs::read_to_string(&path).ok()?;
            if let Some(pid) = children.split_whitespace().next() {
                return Some(Pid::from_raw(pid.parse().expect("a number")));
            }
            if self.ended_early() {
                return None;
            }
            assert!(
                Instant::now() < deadline,
                "no odoo-deploy process was started"
            );
            sleep(Duration::from_millis(2));
        }
    }

    /// Whether the program that entered the machine has no child any more.
    fn ended_early(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        stat.is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|s| s.starts_with('Z')))
    }

    /// Sends odoo-deploy a signal. Returns whether the process still existed.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        self.process()
            .is_some_and(|process| kill(process, signal).is_ok())
    }

    /// Continues a stopped odoo-deploy, and the program that entered the machine, which stopped with it.
    pub(crate) fn continues(&self) -> bool {
        let entered = Pid::from_raw(self.child.id().try_into().expect("a number"));
        self.signal(Signal::SIGCONT) && kill(entered, Signal::SIGCONT).is_ok()
    }

    /// Reads events until odoo-deploy has ended, and runs `meanwhile` at the same time.
    pub(crate) fn finish_while<T: Send>(
        self,
        meanwhile: impl FnOnce(Pid) -> T + Send,
    ) -> (Run, Option<T>) {
        let process = self.process();
        std::thread::scope(|scope| {
            let other = process.map(|process| scope.spawn(move || meanwhile(process)));
            let run = self.finish();
            (
                run,
                other.map(|other| other.join().expect("the other thread")),
            )
        })
    }

    pub(crate) fn finish(mut self) -> Run {
        while self.next().is_some() {}
        let status = self.child.wait().expect("its end");
        self.run.code = status.code().unwrap_or(-1);
        self.run.err = self.complaint.join().expect("its complaints");
        self.run.seconds = self.began.elapsed().as_secs_f64();
        self.run
    }
}

fn is_begin(event: &Value, step: &str) -> bool {
    event["event"] == "step_began" && event["step"] == step
}

fn validate(event: &Value) {
    static SCHEMA: OnceLock<Validator> = OnceLock::new();
    let schema = SCHEMA.get_or_init(|| {
        let binary = env!("CARGO_BIN_EXE_odoo-deploy");
        let printed = Command::new(binary)
            .arg("schema")
            .output()
            .expect("the schema");
        let schema: Value = serde_json::from_slice(&printed.stdout).expect("JSON");
        jsonschema::validator_for(&schema).expect("a schema")
    });
    let wrong: Vec<String> = schema
        .iter_errors(event)
        .map(|error| error.to_string())
        .collect();
    assert!(
        wrong.is_empty(),
        "not as the schema says: {wrong:?}\n{event}"
    );
    tally::event();
}

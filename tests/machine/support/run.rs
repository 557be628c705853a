//! One run of the real binary.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::thread::JoinHandle;
use std::time::Instant;

use jsonschema::Validator;
use serde_json::Value;

use super::server::text;
use super::tally;

/// A run that is over.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    /// With `--json`: what it told.
    pub(crate) events: Vec<Value>,
    pub(crate) seconds: f64,
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
        }
    }

    pub(crate) fn expect_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "exit code\n{}\n{}", self.out, self.err);
        self
    }

    /// Both streams, as a terminal shows them.
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

/// A run with `--json` that goes on.
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
        self.run.events.push(event);
        self.run.events.last()
    }

    /// Waits until it begins a step.
    pub(crate) fn await_step(&mut self, step: &str) {
        loop {
            match self.next() {
                Some(event) if event["event"] == "step_began" && event["step"] == step => return,
                Some(_) => (),
                None => panic!("it never began `{step}`\n{}", self.run.out),
            }
        }
    }

    /// Whether it goes on.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_none()
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

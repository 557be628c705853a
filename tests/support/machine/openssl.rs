//! `openssl`, with certificates of four lines that name the key, the issuer and the domains.

use odoo_deploy::host::command::Cmd;

use super::{Answer, Model};

const KEY: &str = "-----BEGIN PRIVATE KEY-----";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

impl Model {
    pub(super) fn openssl(&self, cmd: &Cmd, args: &[&str]) -> Answer {
        let after = |flag: &str| {
            let place = args.iter().position(|arg| *arg == flag);
            place.map(|place| args[place + 1])
        };
        match args[0] {
            "genpkey" => {
                self.state.borrow_mut().keys += 1;
                let number = self.state.borrow().keys;
                Ok(format!("{KEY}\nkey {number}\n-----END PRIVATE KEY-----\n"))
            }
            "req" => {
                let own = String::from_utf8(cmd.stdin.clone().unwrap()).unwrap();
                let number = key(&own)
                    .ok_or((1, "Could not read private key from /dev/stdin".to_owned()))?;
                let signer = match after("-CAkey") {
                    Some(path) => key(&self.disk.text(path)).ok_or((1, "no CA key".to_owned()))?,
                    None => number.clone(),
                };
                let name = args
                    .iter()
                    .find_map(|arg| arg.strip_prefix("subjectAltName=DNS:"));
                let name = name.unwrap_or_default();
                let days = after("-days").unwrap();
                Ok(format!(
                    "{CERTIFICATE}\nof {number}\nby {signer}\nfor {name}\ndays {days}\n-----END CERTIFICATE-----\n"
                ))
            }
            "x509" => {
                let text = self.pem("certificate", after("-in").unwrap())?;
                let number = line(&text, "of ").unwrap();
                let will = if ends_soon(&text, after("-checkend").unwrap()) {
                    "will"
                } else {
                    "will not"
                };
                let public = public(&number);
                Ok(format!(
                    "notAfter=Dec 26 22:05:37 2027 GMT\n{public}Certificate {will} expire\n"
                ))
            }
            "pkey" => {
                let text = self.pem("key", after("-in").unwrap())?;
                Ok(public(&key(&text).unwrap()))
            }
            "verify" => {
                let trusted = self.disk.text(after("-trusted").unwrap());
                let leaf = self.disk.text(args[args.len() - 1]);
                let is_trusted = leaf == trusted;
                if !is_trusted && line(&leaf, "by ") != line(&trusted, "of ") {
                    return Err((
                        2,
                        "error 20 at 0 depth lookup: unable to get local issuer certificate".into(),
                    ));
                }
                if line(&leaf, "for ").as_deref() != after("-verify_hostname") {
                    return Err((2, "error 62 at 0 depth lookup: hostname mismatch".into()));
                }
                Ok(format!("{}: OK\n", args[args.len() - 1]))
            }
            "s_client" => self.visit(cmd, true),
            other => panic!("no model of openssl {other}"),
        }
    }

    /// The text of a file with a PEM block of that type.
    fn pem(&self, what: &str, path: &str) -> Result<String, (i32, String)> {
        if !self.disk.exists(path) {
            let words = format!("Could not open file or uri for loading {what} from {path}");
            return Err((1, words));
        }
        let text = self.disk.text(path);
        // a truncated block has its first line and nothing readable after it
        let is_whole = match what {
            "key" => key(&text).is_some(),
            _ => text.contains(CERTIFICATE) && line(&text, "of ").is_some(),
        };
        if !is_whole {
            return Err((1, format!("Could not read {what} from {path}")));
        }
        Ok(text)
    }

    /// Whether `-checkend` finds that the certificate ends too soon; `openssl` then exits with 1.
    pub(super) fn is_about_to_end(&self, args: &[&str]) -> bool {
        let ["x509", "-in", path, .., "-checkend", seconds] = args else {
            return false;
        };
        ends_soon(&self.disk.text(path), seconds)
    }
}

fn ends_soon(text: &str, seconds: &str) -> bool {
    let days: Option<u64> = line(text, "days ").and_then(|days| days.parse().ok());
    days.is_some_and(|days| days * 24 * 60 * 60 <= seconds.parse().unwrap())
}

fn public(number: &str) -> String {
    format!("-----BEGIN PUBLIC KEY-----\npublic {number}\n-----END PUBLIC KEY-----\n")
}

/// The number of the key in a file.
fn key(text: &str) -> Option<String> {
    line(text.split_once(KEY)?.1, "key ")
}

fn line(text: &str, start: &str) -> Option<String> {
    let mut lines = text.lines();
    lines
        .find_map(|line| line.strip_prefix(start))
        .map(str::to_owned)
}

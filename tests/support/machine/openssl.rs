//! `openssl`, with certificates of four lines: the number of a key, whose signature, for whom.

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
                let number = key(&own).ok_or((1, "Could not read private key".to_owned()))?;
                let signer = match after("-CAkey") {
                    Some(path) => key(&self.disk.text(path)).ok_or((1, "no CA key".to_owned()))?,
                    None => number.clone(),
                };
                let name = args
                    .iter()
                    .find_map(|arg| arg.strip_prefix("subjectAltName=DNS:"));
                let name = name.unwrap_or_default();
                Ok(format!(
                    "{CERTIFICATE}\nof {number}\nby {signer}\nfor {name}\n-----END CERTIFICATE-----\n"
                ))
            }
            "x509" => {
                let text = self.disk.text(after("-in").unwrap());
                let number =
                    line(&text, "of ").ok_or((1, "Could not read certificate".to_owned()))?;
                Ok(format!(
                    "notAfter=Dec 26 22:05:37 2027 GMT\npublic {number}\nCertificate will not expire\n"
                ))
            }
            "pkey" => match key(&self.disk.text(after("-in").unwrap())) {
                Some(number) => Ok(format!("public {number}\n")),
                None => Err((1, "Could not read key".into())),
            },
            "verify" => {
                let trusted = self.disk.text(after("-trusted").unwrap());
                let leaf = self.disk.text(args[args.len() - 1]);
                if line(&leaf, "by ") != line(&trusted, "of ") {
                    return Err((
                        2,
                        "error 20 at 0 depth lookup: unable to get local issuer certificate".into(),
                    ));
                }
                if line(&leaf, "for ").as_deref() != after("-verify_hostname") {
                    return Err((2, "error 62 at 0 depth lookup: hostname mismatch".into()));
                }
                Ok("OK\n".into())
            }
            "s_client" => self.visit(cmd, true),
            other => panic!("no model of openssl {other}"),
        }
    }
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

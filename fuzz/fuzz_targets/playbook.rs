#![no_main]

#[path = "../checks/playbook.rs"]
mod playbook;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| playbook::check(text));

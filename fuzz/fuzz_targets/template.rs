#![no_main]

#[path = "../checks/template.rs"]
mod template;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| template::check(text));

#![no_main]

#[path = "../checks/site.rs"]
mod site;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| site::check(text));

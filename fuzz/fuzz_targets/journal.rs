#![no_main]

#[path = "../checks/journal.rs"]
mod journal;

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    if journal::check(bytes) {
        Corpus::Keep
    } else {
        Corpus::Reject
    }
});

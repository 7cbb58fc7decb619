//! Any text and any edit: nothing panics, and what is not refused keeps the editor's promise.

#![no_main]

#[path = "../harness.rs"]
mod harness;
#[allow(dead_code, unused_imports, reason = "the floor is compiled in by path")]
#[path = "../../src"]
mod floor {
    pub mod yaml;
}

use floor::yaml;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (choices, text) = data.split_at(data.len().min(6));
    if let Ok(text) = std::str::from_utf8(text) {
        harness::exercise(text, choices);
    }
});

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hod_fuzz::run("get_state", input));

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    handfast::fuzzing::from_list(data);
});

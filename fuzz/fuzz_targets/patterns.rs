#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    handfast::fuzzing::patterns(data);
});

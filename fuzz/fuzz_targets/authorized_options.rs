#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    handfast::fuzzing::authorized_options(data);
});

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    handfast::fuzzing::handshake_client(data);
});

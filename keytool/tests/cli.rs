//! The command line's contracts: every file in `cmd/` is a console session, held against the
//! program. `TRYCMD=overwrite` writes what the program says now.

#[test]
fn sessions() {
    trycmd::TestCases::new().env("HOME", "/nonexistent").case("tests/cmd/*.trycmd");
}

//! The command line's contracts: every file in `cmd/` is a console session, held against the
//! program. `TRYCMD=overwrite` writes what the program says now.

#![expect(clippy::expect_used, reason = "helpers of tests end a test this way")]

use std::process::Command;

#[test]
fn sessions() {
    trycmd::TestCases::new().env("HOME", "/nonexistent").case("tests/cmd/*.trycmd");
}

/// Standard output of keytool, which must succeed.
fn keytool(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_keytool")).args(args).output().expect("keytool");
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "keytool {args:?}: {talk}");
    String::from_utf8(output.stdout).expect("text")
}

/// The commands in the shell blocks of the README, without comments and redirections.
fn of_readme() -> Vec<Vec<String>> {
    let text = include_str!("../../README.md");
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let commands = blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("keytool "));
    let words = |command: &str| {
        let words = command.split_whitespace().take_while(|word| !["#", ">", "|"].contains(word));
        words.map(str::to_owned).collect()
    };
    commands.map(words).collect()
}

#[test]
fn the_readme_shows_commands_that_are_there_and_all_of_them() {
    let shown = of_readme();
    for command in &shown {
        // The command line is read up to here; then comes the help instead of the work.
        let mut args: Vec<_> = command.iter().map(String::as_str).collect();
        args.push("--help");
        assert!(keytool(&args).contains("Usage: keytool"), "{command:?}");
    }
    for (above, list) in [
        (&[][..], keytool(&["--help"])),
        (&["hosts"], keytool(&["hosts", "--help"])),
        (&["authorized"], keytool(&["authorized", "--help"])),
        (&["explain"], keytool(&["explain", "--help"])),
    ] {
        let names = list.lines().skip_while(|line| *line != "Commands:").skip(1);
        let names = names.take_while(|line| !line.is_empty());
        for name in names.filter_map(|line| line.split_whitespace().next()) {
            let command: Vec<_> = above.iter().copied().chain([name]).collect();
            let is_shown = shown.iter().any(|words| words.iter().take(command.len()).eq(&command));
            assert!(is_shown || name == "help", "the README does not show {command:?}");
        }
    }
}

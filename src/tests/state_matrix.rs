//! The tables of docs/PROTOCOL.md, section 9: every input in every state, for both roles.

mod end;
mod stage;

use std::collections::BTreeMap;

use super::script::{Said, said};
use crate::error::Error;
use end::Outcome;
use stage::{Input, Stage};

/// One table: the columns' names, and a row of cells for each state.
struct Table {
    columns: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
}

/// The two tables with a column for each input.
fn tables() -> [Table; 2] {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/PROTOCOL.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut tables = Vec::new();
    for line in text.lines() {
        let mut cells = line.strip_prefix('|').unwrap_or_default().split('|').map(str::trim);
        let first = cells.next().unwrap_or_default().to_owned();
        let cells: Vec<String> =
            cells.map(str::to_owned).take_while(|cell| !cell.is_empty()).collect();
        if first == "state" && cells.len() > 5 {
            tables.push(Table { columns: cells, rows: Vec::new() });
        } else if let Some(table) = tables.last_mut()
            && cells.len() == table.columns.len()
            && (first.starts_with("C-") || first.starts_with("S-"))
        {
            table.rows.push((first, cells));
        }
    }
    let [client, server] = <[Table; 2]>::try_from(tables).unwrap_or_else(|_| panic!("two tables"));
    [client, server]
}

/// Why the core alone cannot show what a cell says.
fn beyond_the_core(state: &str, column: &str, cell: &str) -> Option<&'static str> {
    match state {
        "C-DECIDE" => Some("VerifyHost reads nothing: what arrives is held by who owns the stream"),
        "S-DECIDE" => Some("Authenticating reads nothing: what arrives is judged after Welcome"),
        "S-EAGER" | "S-EAGER-RECV" => {
            Some("Authenticating reads nothing: what is held is read after Welcome")
        }
        "C-OVER" | "C-FAILED" | "S-OVER" | "S-FAILED" if column == "bad n" => {
            Some("bytes that are no record do not reach a session that is done")
        }
        _ if cell == "drop" && column != "ClientHello" => {
            Some("reading on until the deadline is for who owns the stream; see below")
        }
        _ => None,
    }
}

/// What the outcome is, in the words of the table.
fn judge(stage: &mut Stage, outcome: &Outcome, cell: &str) -> Result<(), String> {
    let Outcome { error, sent, next } = outcome;
    let error_1 = |stage: &mut Stage, sent: &[u8]| -> Result<(), String> {
        let padded = stage.before_welcome;
        let Said { code, text, inner } = said(stage.opener(), sent);
        let expected = (1, String::new(), if padded { 512 } else { 5 });
        if (code, text, inner) == expected { Ok(()) } else { Err(format!("Error {code} {inner}")) }
    };
    let failed = error.is_some();
    let ended = matches!(error, Some(Error::Ended(_) | Error::Refused(_)));
    let ok = match cell {
        "E1" if failed && !ended && !sent.is_empty() => return error_1(stage, sent),
        "E1/s" if failed && !ended && !sent.is_empty() => return error_1(stage, sent),
        "E1/s" => failed && !ended,
        "silent" => failed && !ended && sent.is_empty(),
        "drop" => failed && sent.is_empty(),
        "end" => ended && sent.is_empty(),
        "R1" => failed && *sent == [0x89, b'H', b'F', 1, 3, 0, 1, 1],
        "R4" => failed && *sent == [0x89, b'H', b'F', 1, 3, 0, 1, 4],
        "ignored" => !failed && sent.is_empty() && *next == stage.name,
        _ => cell.strip_prefix('>').is_some_and(|state| !failed && state == next),
    };
    if ok { Ok(()) } else { Err(format!("{error:?}, {} bytes, {next}", sent.len())) }
}

/// [WIRE-10] [WIRE-12] [ERR-5] [ERR-6] [REC-2] [REC-3] [REC-4] [REC-6] [REC-7] [REKEY-8] [REKEY-9]
/// [CLOSE-3] [CLOSE-5]
#[test]
fn every_input_in_every_state_does_what_the_tables_say() {
    let mut shown = 0;
    let mut beyond: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for table in tables() {
        assert_eq!(table.columns.len(), 26);
        for (state, cells) in &table.rows {
            for (column, cell) in table.columns.iter().zip(cells) {
                if let Some(why) = beyond_the_core(state, column, cell) {
                    *beyond.entry(why).or_default() += 1;
                    if cell != "drop" {
                        continue;
                    }
                }
                let inputs = Input::of(column);
                assert!(!inputs.is_empty(), "the column {column}");
                let mut tried = 0;
                for &input in inputs {
                    for mut stage in Stage::make(state) {
                        let Some(bytes) = stage.bytes(input) else { continue };
                        let end = stage.end.take().unwrap();
                        let outcome = end.feed(&bytes);
                        tried += 1;
                        if let Err(seen) = judge(&mut stage, &outcome, cell) {
                            wrong.push(format!("{state}, {input:?}: {cell}, but {seen}"));
                        }
                        if let Err(seen) = stage.answered(input, &outcome) {
                            wrong.push(format!("{state}, {input:?}: {seen}"));
                        }
                    }
                }
                assert!(tried > 0, "{state}, {column}");
                shown += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    // 14 and 18 states with 26 columns; `drop` counts in both sums
    assert_eq!(beyond.values().sum::<usize>(), 26 * 4 + 4 + 25);
    assert_eq!(shown, 26 * (14 + 18) - 26 * 4 - 4);
}

/// [WIRE-10] [WIRE-2] [REC-8]
#[test]
fn a_malformed_message_is_a_protocol_error_also_where_the_well_formed_one_is_ignored() {
    for table in tables() {
        for (state, cells) in &table.rows {
            let all_ignored = cells.iter().all(|cell| cell == "ignored");
            let cell = match state.as_str() {
                "C-HELLO" | "S-HELLO" | "S-STEALTH" => continue, // records are foreign bytes there
                "C-DECIDE" | "S-DECIDE" | "S-EAGER" | "S-EAGER-RECV" => continue, // nothing is read
                "C-AUTH" => "E1/s",
                "S-AUTH" => "silent",
                _ if all_ignored => "ignored",
                _ => "E1",
            };
            for (kind, content) in MALFORMED {
                for mut stage in Stage::make(state) {
                    let bytes = stage.seal(kind, content);
                    let outcome = stage.end.take().unwrap().feed(&bytes);
                    let seen = judge(&mut stage, &outcome, cell);
                    assert_eq!(seen, Ok(()), "{state}, type {kind}");
                }
            }
        }
    }
}

const MALFORMED: [(u8, &[u8]); 12] = [
    (1, b""),
    (1, &[1, 0, 0]),
    (2, b""),
    (3, b"x"),
    (4, b""),
    (4, &[0, 1, 0, 1, 7]),
    (5, &[0; 7]),
    (6, &[0; 9]),
    (7, b"x"),
    (8, &[0; 31]),
    (9, &[0; 35]),
    (10, b"x"),
];

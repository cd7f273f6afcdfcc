use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::key::Identity;

fn key(seed: u8) -> PublicKey {
    Identity::from_seed(&[seed; 32]).public_key().clone()
}

/// `A` to `D` as words stand for keys: `A` is the one that the host presents, `B` and `C` are others
/// that it proves, `D` is one that it does not.
fn written_out(text: &str) -> String {
    let words = text.split_inclusive([' ', '\n']).map(|word| match word.trim_end() {
        letter @ ("A" | "B" | "C" | "D") => {
            let seed = letter.as_bytes()[0] - b'A' + 1;
            word.replace(letter, &key(seed).to_string())
        }
        _ => word.to_owned(),
    });
    words.collect()
}

fn after(
    text: &str,
    host: &str,
    others: &[PublicKey],
    learn: fn(&KnownHostsFile, &ProvedKeys<'_>) -> Result<Learned, EditError>,
) -> (String, Result<Learned, EditError>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known_hosts");
    fs::write(&path, written_out(text)).unwrap();
    let host = Host::parse(host, Some(22)).unwrap();
    let result = learn(&KnownHostsFile::new(&path), &ProvedKeys::new(&host, &key(1), others));
    (fs::read_to_string(path).unwrap(), result)
}

fn why(result: Result<Learned, EditError>) -> Option<WhyNotLearned> {
    match result {
        Ok(_) => None,
        Err(EditError::NotLearned { why, .. }) => Some(why),
        Err(other) => panic!("{other}"),
    }
}

/// [AUTH-25] [AUTH-26]
#[test]
fn new_keys_get_lines_of_their_own_and_old_ones_stay() {
    let text = "# mine\r\nh,192.0.2.1 A\nh D\nh C";
    let (after, result) =
        after(text, "h", &[key(2), key(3), key(1), key(2)], KnownHostsFile::learn);
    let result = result.unwrap();
    let lines: Vec<_> = result.added.iter().map(|key| key.place().line()).collect();
    assert_eq!((lines, result.removed, result.left_out), (vec![5], vec![], vec![]));
    let line = after.strip_prefix(&format!("{}\n", written_out(text))).unwrap();
    let start = format!("h {} handfast-learned {} ", key(2), key(1).fingerprint());
    let date = line.strip_prefix(&start).unwrap().strip_suffix('\n').unwrap();
    let form: String = date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(form, "0000-00-00");
}

/// [AUTH-25]
#[test]
fn the_name_is_hashed_if_that_of_the_known_line_is() {
    let hidden = super::super::known_hosts::hash(b"[h]:7000").unwrap();
    let (after, result) =
        after(&format!("{hidden} A\n"), "h:7000", &[key(2)], KnownHostsFile::learn);
    assert_eq!(result.unwrap().added.len(), 1);
    let line = after.lines().nth(1).unwrap();
    assert!(line.starts_with("|1|") && !line.contains("7000"), "{line}");
    let known = KnownHosts::parse("known_hosts", after.as_bytes()).unwrap();
    let host = Host::new("h", 7000).unwrap();
    assert!(matches!(known.check(&host, &key(2)), Verdict::Match { by_port_fallback: false, .. }));
}

/// [AUTH-24]
#[test]
fn nothing_is_learned_unless_a_plain_line_lists_the_presented_key_for_this_very_name() {
    for (text, expected) in [
        ("", "NotListed"),
        ("h D\n", "NotListed"),
        ("x A\n", "NotListed"),
        ("h A\n", ""),
        ("[h]:7000 A\n", "NotListed"),
        ("* A\n", "Pattern"),
        ("h,!x A\n", "Pattern"),
        ("h A\nh* D\n", "Pattern"),
        ("h A\n@revoked h D\n", "Marked"),
        ("h A\n@cert-authority * D\n", "Marked"),
        ("h,!x,y A\n", "Pattern"),
        ("h,x,y A\n", ""),
        ("h A\nh,x,y D\n", ""),
        ("h A\nx B\n", ""),
        ("h A\nx D\n", ""),
        ("h A\nx A\n", ""),
    ] {
        let (after, result) = after(text, "h", &[key(2)], KnownHostsFile::learn);
        let why = format!("{:?}", why(result));
        assert!(why.contains(expected) && (expected.is_empty() == (why == "None")), "{text} {why}");
        assert_eq!(after == written_out(text), !expected.is_empty(), "{text}");
    }
    // the bare name counts for every port, and is not this very name
    let (_, result) = after("h A\n", "h:7000", &[key(2)], KnownHostsFile::learn);
    let Some(WhyNotLearned::BareName { at }) = why(result) else { panic!("learned") };
    assert_eq!(at.line(), 1);
}

/// The names for which something is left, their lines, and the first letter of the key.
fn left(learned: &Learned) -> Vec<(usize, String, char)> {
    let letters = [(1, 'A'), (2, 'B'), (3, 'C'), (4, 'D')];
    let letter = |print: Fingerprint| {
        letters.iter().find(|(seed, _)| key(*seed).fingerprint() == print).unwrap().1
    };
    let name = |other: &OtherName| other.host.as_ref().map_or("hidden".into(), Host::to_string);
    learned.elsewhere.iter().map(|it| (it.at.line(), name(it), letter(it.key))).collect()
}

fn rotated(text: &str, also: &[&str]) -> (String, Result<Learned, EditError>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known_hosts");
    fs::write(&path, written_out(text)).unwrap();
    let host = Host::new("h", 7000).unwrap();
    let also: Vec<_> = also.iter().map(|name| Host::parse(name, Some(22)).unwrap()).collect();
    let (presented, others) = (key(1), [key(2)]);
    let proved = ProvedKeys::new(&host, &presented, &others).also(&also);
    let result = KnownHostsFile::new(&path).rotate(&proved);
    (fs::read_to_string(path).unwrap(), result)
}

/// One server has two names: each of them lists the old key, and each gets the new one.
#[test]
fn a_name_that_lists_the_presented_key_gets_the_new_one_whoever_else_has_it() {
    for text in [
        "[h]:7000 A\n[x]:7000 A\n[x]:7000 B\n",
        "[h]:7000 A\n[x]:7000 B\n",
        "[h]:7000,[x]:7000,y A\ny B\n",
    ] {
        let (after, result) = rotated(text, &[]);
        let result = result.unwrap();
        assert_eq!((result.added.len(), result.removed.len()), (1, 0), "{text}");
        let start = written_out(&format!("{text}[h]:7000 B handfast-learned "));
        assert!(after.starts_with(&start), "{after}");
    }
}

#[test]
fn other_names_of_the_host_are_told_until_they_list_the_new_key_too() {
    let other = |line, name: &str, letter| (line, name.to_owned(), letter);
    let hidden = super::super::known_hosts::hash(b"[x]:7000").unwrap();
    for (text, expected) in [
        ("[h]:7000 A\n[x]:7000 A\n", vec![other(2, "[x]:7000", 'A')]),
        ("[h]:7000 A\n[x]:7000 A\n[x]:7000 B\n", vec![]),
        ("[h]:7000,y A\nx C\n@revoked z A\n", vec![other(1, "y", 'A')]),
        ("[h]:7000 A\n[h]:7000,x D\ny D\n", vec![other(2, "x", 'D'), other(3, "y", 'D')]),
        ("[h]:7000 A\nHIDDEN A\n", vec![other(2, "hidden", 'A')]),
        ("[h]:7000 A\nHIDDEN A\nHIDDEN B\n", vec![]),
    ] {
        let (_, result) = rotated(&text.replace("HIDDEN", &hidden), &[]);
        assert_eq!(left(&result.unwrap()), expected, "{text}");
    }
}

#[test]
fn several_names_are_rotated_together_or_none() {
    let hidden = super::super::known_hosts::hash(b"[x]:7000").unwrap();
    let text = format!("[h]:7000,y D\n[h]:7000,y A\n{hidden} A\n{hidden} D\nz A\nz D");
    let (after, result) = rotated(&text, &["[x]:7000", "y", "[h]:7000"]);
    let result = result.unwrap();
    let numbers = |lines: &[ListedKey]| lines.iter().map(|l| l.place().line()).collect::<Vec<_>>();
    assert_eq!((numbers(&result.removed), numbers(&result.added)), (vec![1], vec![5]));
    let also: Vec<_> = result
        .also
        .iter()
        .map(|(name, it)| (name.to_string(), numbers(&it.removed), numbers(&it.added)))
        .collect();
    assert_eq!(
        also,
        [("[x]:7000".to_owned(), vec![4], vec![6]), ("y".to_owned(), vec![1], vec![7]),]
    );
    let start = format!("[h]:7000,y A\n{hidden} A\nz A\nz D\n[h]:7000 B handfast-learned ");
    assert!(after.starts_with(&written_out(&start)), "{after}");
    assert!(after.lines().nth(5).unwrap().starts_with("|1|"), "{after}");
    assert!(after.lines().nth(6).unwrap().starts_with("y "), "{after}");
    assert_eq!(left(&result), [(3, "z".to_owned(), 'A')]);

    let (after, result) = rotated(&text, &["z", "w"]);
    let Err(EditError::NotLearned { host, why }) = result else { panic!("rotated") };
    assert_eq!((host.to_string().as_str(), why), ("w", WhyNotLearned::NotListed));
    assert_eq!(after, written_out(&text));
}

/// [AUTH-25]
#[test]
fn eight_keys_are_learned_for_a_name_and_none_that_is_revoked() {
    let others: Vec<_> = (10..20).map(key).collect();
    let text = format!("[h]:7000 A\n@revoked h {}\n", key(10));
    let (after, result) = after(&text, "h:7000", &others, KnownHostsFile::learn);
    let result = result.unwrap();
    assert_eq!(result.added.len(), 8);
    let left_out: Vec<_> = result.left_out.iter().map(|out| (out.fingerprint, out.why)).collect();
    assert_eq!(
        left_out,
        [
            (key(10).fingerprint(), WhyLeftOut::Revoked),
            (key(19).fingerprint(), WhyLeftOut::TooMany)
        ]
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known_hosts");
    fs::write(&path, &after).unwrap();
    let host = Host::new("h", 7000).unwrap();
    let proved = [key(30)];
    let again = KnownHostsFile::new(&path).learn(&ProvedKeys::new(&host, &key(1), &proved));
    assert_eq!(again.unwrap().left_out[0].why, WhyLeftOut::TooMany);
    assert_eq!(fs::read_to_string(path).unwrap(), after);
}

#[test]
fn rotating_drops_what_was_not_proved_and_leaves_other_types() {
    let mut blob = Vec::new();
    for field in [&b"ssh-rsa"[..], &[1, 0, 1], &[0x7f; 64]] {
        blob.extend_from_slice(&u32::try_from(field.len()).unwrap().to_be_bytes());
        blob.extend_from_slice(field);
    }
    let blob = STANDARD.encode(blob);
    let text = format!("h,x D\nh ssh-rsa {blob}\nh A\ny C\nh D");
    let (after, result) = after(&text, "h", &[key(2)], KnownHostsFile::rotate);
    let result = result.unwrap();
    assert_eq!((result.added.len(), result.removed.len()), (1, 2));
    let start = written_out(&format!("x D\nh ssh-rsa {blob}\nh A\ny C\nh B handfast-learned "));
    assert!(after.starts_with(&start), "{after}");
    assert_eq!(result.added[0].place().line(), 5);

    let (after, result) = self::after("h A\nh D\nx D\n", "h", &[], KnownHostsFile::rotate);
    assert_eq!(left(&result.unwrap()), [(2, "x".to_owned(), 'D')]);
    assert_eq!(after, written_out("h A\nx D\n"));
}

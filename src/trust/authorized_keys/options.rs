//! The options before a key, taken apart; what they mean is not decided here.

use super::super::OptionFault;
use super::super::file::is_blank;
use crate::key::shown::shown;

/// The options of a line in their order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options(Vec<RawOption>);

/// `name` or `name="value"`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RawOption {
    /// In lower case.
    pub(super) name: Vec<u8>,
    /// Without its quotes; `\"` has become `"` and every other backslash stayed.
    pub(super) value: Option<Vec<u8>>,
}

/// Splits a line behind its options, at the first blank or tab that is not quoted.
pub(in crate::trust) fn split_options(line: &[u8]) -> Result<(&[u8], &[u8]), OptionFault> {
    let mut quoted = false;
    let mut bytes = line.iter().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                // Only an escaped quote is skipped: in `\\"` it is the second backslash that
                // escapes.
                let _ = bytes.next_if(|(_, next)| **next == b'"');
            }
            b'"' => quoted = !quoted,
            blank if !quoted && is_blank(blank) => {
                return line.split_at_checked(at).ok_or(OptionFault::OpenQuote);
            }
            _ => {}
        }
    }
    if quoted { Err(OptionFault::OpenQuote) } else { Ok((line, &[])) }
}

impl Options {
    /// Takes apart what [`split_options`] gave. Commas too many are passed over, as in OpenSSH.
    pub(super) fn parse(text: &[u8]) -> Result<Self, OptionFault> {
        let mut options = Vec::new();
        let mut rest = text;
        loop {
            while let Some(behind) = rest.strip_prefix(b",") {
                rest = behind;
            }
            if rest.is_empty() {
                return Ok(Self(options));
            }
            let (option, behind) = parse_option(rest)?;
            options.push(option);
            rest = behind;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &RawOption> {
        self.0.iter()
    }
}

fn parse_option(text: &[u8]) -> Result<(RawOption, &[u8]), OptionFault> {
    let len = text.iter().take_while(|byte| !matches!(byte, b'=' | b',')).count();
    let (name, rest) = text.split_at_checked(len).unwrap_or((text, &[]));
    if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') {
        return Err(OptionFault::Name { name: shown(name) });
    }
    let lower = name.to_ascii_lowercase();
    let Some(value) = rest.strip_prefix(b"=") else {
        return Ok((RawOption { name: lower, value: None }, rest));
    };
    let quoted =
        value.strip_prefix(b"\"").ok_or_else(|| OptionFault::BareValue { name: shown(name) })?;
    let (value, rest) = unquote(quoted).ok_or(OptionFault::OpenQuote)?;
    if !rest.is_empty() && !rest.starts_with(b",") {
        return Err(OptionFault::AfterValue { name: shown(name) });
    }
    Ok((RawOption { name: lower, value: Some(value) }, rest))
}

/// The value up to the closing quote, and what is behind that.
fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return None,
            [b'"', behind @ ..] => return Some((value, behind)),
            [b'\\', b'"', behind @ ..] => {
                value.push(b'"');
                behind
            }
            [byte, behind @ ..] => {
                value.push(*byte);
                behind
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<(String, Option<String>)>, OptionFault> {
        let text_of = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let options = Options::parse(text.as_bytes())?;
        Ok(options
            .iter()
            .map(|option| (text_of(&option.name), option.value.as_deref().map(text_of)))
            .collect())
    }

    #[test]
    fn options_are_taken_apart() {
        let one = |name: &str, value: &str| vec![(name.to_owned(), Some(value.to_owned()))];
        assert_eq!(parsed(""), Ok(vec![]));
        assert_eq!(parsed(",,"), Ok(vec![]));
        assert_eq!(
            parsed(",Restrict,,no-PTY,"),
            Ok(vec![("restrict".to_owned(), None), ("no-pty".to_owned(), None)])
        );
        assert_eq!(parsed(r#"command="a, \"b\" #1""#), Ok(one("command", r#"a, "b" #1"#)));
        assert_eq!(parsed(r#"command="a\n\\b""#), Ok(one("command", r"a\n\\b")));
        assert_eq!(parsed(r#"from="""#), Ok(one("from", "")));
    }

    #[test]
    fn broken_options() {
        let name = |name: &str| name.to_owned();
        for (text, fault) in [
            (r"command=oops", OptionFault::BareValue { name: name("command") }),
            (r"command='oops'", OptionFault::BareValue { name: name("command") }),
            (r"command=", OptionFault::BareValue { name: name("command") }),
            (r#"command="a\\""#, OptionFault::OpenQuote),
            (r#"command="a"b"#, OptionFault::AfterValue { name: name("command") }),
            (r#"command="a"="b""#, OptionFault::AfterValue { name: name("command") }),
            (r#""a""#, OptionFault::Name { name: name(r#""a""#) }),
            (r#"="a""#, OptionFault::Name { name: name("") }),
            ("\u{feff}pty", OptionFault::Name { name: name("\\u{feff}pty") }),
        ] {
            assert_eq!(parsed(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn options_end_at_a_blank_outside_quotes() {
        for (line, options) in [
            ("restrict ssh-ed25519", "restrict"),
            ("restrict\tssh-ed25519", "restrict"),
            (r#"command="a b",pty ssh"#, r#"command="a b",pty"#),
            (r#"command="a \" b" ssh"#, r#"command="a \" b""#),
            (r#"command="a\\" b" ssh"#, r#"command="a\\" b""#),
            ("restrict", "restrict"),
        ] {
            let (split, rest) = split_options(line.as_bytes()).unwrap();
            assert_eq!(split, options.as_bytes(), "{line}");
            assert_eq!([split, rest].concat(), line.as_bytes());
        }
        assert_eq!(split_options(br#"command="a b"#), Err(OptionFault::OpenQuote));
    }
}

//! What happens to the text of a private key in secret stores, editors and chats.

use std::fmt;
use std::path::Path;

use super::named::Named;

/// How the text of a private key file differs from what `ssh-keygen` writes. `Display` says what
/// happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TextChange {
    /// A byte order mark stands before it. It is read all the same, as are the next five.
    ByteOrderMark,
    /// Blank lines stand before the first line.
    BlankLinesBefore,
    /// Lines begin with blanks.
    Indented,
    /// Lines end with blanks.
    TrailingBlanks,
    /// Lines end in CR LF, as on Windows.
    CrLf,
    /// The last line has no line end.
    NoLastLineEnd,
    /// The file is UTF-16. This one and the next ones are refused.
    Utf16 {
        /// Its most significant byte comes first.
        big_endian: bool,
        /// A byte order mark says so.
        marked: bool,
    },
    /// All is on one line, with or without blanks where lines ended.
    LineBreaksLost,
    /// Line breaks are written as a backslash and the letter n.
    LiteralLineBreaks,
    /// Other text stands before the first line, on it, or on the last line.
    TextAround,
    /// The five hyphens of the first or last line have become other dashes, or another number.
    Dashes,
    /// The whole file is encoded in base64 once more.
    Base64Twice,
    /// The first and the last line are missing, and the base64 between them is there.
    LinesMissing,
}

/// Takes away what is not visible at both ends of each line, and empty lines.
const TRIM: &str = r#"LC_ALL=C awk '{gsub(/^[^!-~]+|[^!-~]+$/, "")} NF'"#;

/// Puts the first and the last line on lines of their own, and line breaks for the two characters.
const BREAK: &str =
    r#"LC_ALL=C awk '{gsub(/(\\r)?\\n/, "\n"); gsub(/-----[A-Z ]+-----/, "\n&\n"); print}'"#;

/// As [`TRIM`], from the first line to the last.
const CUT: &str = r#"LC_ALL=C awk '{gsub(/^[^!-~]+|[^!-~]+$/, "")} /^-----BEGIN/ {key = 1} key && NF; /^-----END/ {key = 0}'"#;

impl TextChange {
    /// Whether the key is read all the same.
    pub fn loads(self) -> bool {
        self <= Self::NoLastLineEnd
    }

    /// What happened, and what mends it.
    pub(super) fn told(self, file: Named<'_>) -> String {
        format!("{self}; {}", self.mended(file))
    }

    /// What mends it: for a command, the file's path is a word of a shell.
    pub fn remedy(self, path: impl AsRef<Path>) -> String {
        self.mended(Named::path(path.as_ref()))
    }

    fn mended(self, file: Named<'_>) -> String {
        let (word, new) = (file.word(), file.with(".new"));
        // private from its first byte on
        let convert =
            |filter: String| format!("`(umask 077; {filter} > {new}) && mv {new} {word}`");
        match self {
            _ if self.loads() => {
                format!(
                    "take out what does not belong there: {}",
                    convert(format!("{TRIM} {word}"))
                )
            }
            Self::Utf16 { big_endian, marked } => {
                let encoding = match (marked, big_endian) {
                    (true, _) => "UTF-16",
                    (false, true) => "UTF-16BE",
                    (false, false) => "UTF-16LE",
                };
                let command = convert(format!("iconv -f {encoding} -t UTF-8 {word}"));
                format!("save it as UTF-8: {command}")
            }
            Self::Base64Twice => format!("decode it: {}", convert(format!("base64 -d {word}"))),
            Self::Dashes | Self::LinesMissing => {
                "put `-----BEGIN OPENSSH PRIVATE KEY-----` on its first line and \
                 `-----END OPENSSH PRIVATE KEY-----` on its last, or copy the file anew"
                    .to_owned()
            }
            _ => format!(
                "copy the file anew, or put the line breaks back: {}",
                convert(format!("{BREAK} {word} | {CUT}"))
            ),
        }
    }
}

impl fmt::Display for TextChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByteOrderMark => "a byte order mark stands before it",
            Self::BlankLinesBefore => "blank lines stand before its first line",
            Self::Indented => "its lines are indented",
            Self::TrailingBlanks => "there are blanks at the ends of its lines",
            Self::CrLf => "its lines end in CR LF",
            Self::NoLastLineEnd => "its last line has no line end",
            Self::Utf16 { .. } => "the file is UTF-16, as some editors and PowerShell's `>` write it",
            Self::LineBreaksLost => {
                "its line breaks are lost, as where a shell variable without quotes or a field of one line has held it"
            }
            Self::LiteralLineBreaks => {
                r"its line breaks are written as the two characters \n, as JSON and secret stores write them"
            }
            Self::TextAround => "there is other text before its first line or behind its last",
            Self::Dashes => {
                "there are not five hyphens at each end of its first line and its last, as where a chat or an editor has changed them"
            }
            Self::Base64Twice => "the whole file is encoded in base64, as Kubernetes and CI systems store secrets",
            Self::LinesMissing => "its first line and its last line are missing",
        })
    }
}

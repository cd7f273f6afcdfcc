//! *Text* on the wire: UTF-8 without code points of categories Cc, Cf, Zl, Zp.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::error::Malformed;

/// Reads text.
pub(crate) fn decode<'a>(bytes: &'a [u8], field: &'static str) -> Result<&'a str, Malformed> {
    let text = core::str::from_utf8(bytes).map_err(|_| Malformed::Text(field))?;
    if is_plain(text) { Ok(text) } else { Err(Malformed::Text(field)) }
}

/// Whether a string is text in the protocol's sense.
pub(crate) fn is_plain(text: &str) -> bool {
    text.chars().all(|c| {
        !matches!(
            c.general_category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        )
    })
}

//! The user and the password in the URL of a webhook, as Basic authentication sends them: RFC 7617.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What precedes the `@` of a URL: a secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct UserInfo {
    /// As it was given.
    text: String,
    /// User, colon, password, without percent-encoding.
    decoded: Vec<u8>,
}

impl UserInfo {
    /// A user and, behind the first colon, a password. Basic cannot carry a colon in the user, nor control characters.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let (user, password) = (unescaped(user, b"")?, unescaped(password, b":")?);
        let decoded = [user.as_slice(), b":", &password].concat();
        let fits =
            !text.is_empty() && !user.contains(&b':') && !decoded.iter().any(u8::is_ascii_control);
        fits.then(|| Self {
            text: text.to_owned(),
            decoded,
        })
    }

    /// As it was given.
    pub(super) fn expose(&self) -> &str {
        &self.text
    }

    /// The value of the header `Authorization`.
    pub(super) fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(&self.decoded))
    }
}

/// A part of a URL without percent-encoding. `None` if it has a character that is not unreserved, a sub-delimiter
/// (<https://www.rfc-editor.org/rfc/rfc3986#section-2>) or one of these.
pub(super) fn unescaped(text: &str, more: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            _ if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) => byte,
            _ if more.contains(&byte) => byte,
            _ => return None,
        });
    }
    Some(plain)
}

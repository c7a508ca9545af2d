//! Client secrets made by hand: right ones, expired ones, and forgeries.

use crate::noted::note;
use crate::phone::hex;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The header that a user secret under this key has.
pub(crate) fn header(key: &str) -> Value {
    let kid = hex(&Sha256::digest(key));
    json!({"alg": "HS256", "typ": "JWT", "kid": kid.get(..8)})
}

/// A signed secret of any header and any claims.
pub(crate) fn sign(key: &str, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any length is a key");
    mac.update(text.as_bytes());
    note(format!(
        "{text}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    ))
}

/// One part of a secret as JSON: 0 its header, 1 its claims.
pub(crate) fn part(secret: &str, index: usize) -> Value {
    let part = secret.split('.').nth(index).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

/// What a payload says of its receiver: a hash of the user id, keyed by the application.
pub(crate) fn uid(application: &str, user: &str) -> String {
    let hash = Sha256::new()
        .chain_update(application)
        .chain_update([0])
        .chain_update(user)
        .finalize();
    hex(&hash).chars().take(16).collect()
}

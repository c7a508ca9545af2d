//! Client secrets for one user: JSON Web Tokens, HS256, signed with the provisioned client secret.
//!
//! Only this one form is ever accepted, so this is a page over `hmac` and `sha2` rather than a general JWT library:
//! those bring RSA and elliptic curves into every function.

use crate::{ApplicationId, Secret, Span, Time, UserId};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// A client secret that was made for a user by a holder of the provisioned one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSecret {
    /// The user that its holder may speak for.
    pub user: UserId,
    /// When it was made; whole seconds.
    pub issued: Time,
    /// When it stops to do so.
    pub expires: Time,
}

/// What a text that should be a user secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Signed with one of the keys, for this application.
    Genuine(UserSecret),
    /// In the right form, and signed with a key that is none of these: newer than what is known here, or forged.
    UnknownKey,
    /// Anything else.
    No,
}

/// The header is exactly this: `jku`, `x5u`, `crit` and whatever else could change what is verified are refused.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    typ: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    iat: u64,
    exp: u64,
}

impl UserSecret {
    /// The secret for `user`, valid from `now` for `life` (whole seconds), as the text that is handed out.
    #[must_use]
    pub fn sign(
        key: &Secret,
        application: &ApplicationId,
        user: &UserId,
        now: Time,
        life: Span,
    ) -> (Self, String) {
        let exp = (now + life).seconds();
        let header = Header {
            alg: "HS256".to_owned(),
            kid: key.key_id().to_owned(),
            typ: Some("JWT".to_owned()),
        };
        let claims = Claims {
            iss: application.as_str().to_owned(),
            sub: user.as_str().to_owned(),
            iat: now.seconds(),
            exp,
        };
        let mut text = format!("{}.{}", encode(&header), encode(&claims));
        let tag = BASE64.encode(tagged(key.mac(), &text).finalize().into_bytes());
        text.push('.');
        text.push_str(&tag);
        (
            Self {
                user: user.clone(),
                issued: Time::from_seconds(now.seconds()),
                expires: Time::from_seconds(exp),
            },
            text,
        )
    }

    /// What `text` is, by any of `keys`. An expired secret is genuine: whether it still counts is the rules' to say.
    #[must_use]
    pub fn verify<'a>(
        text: &str,
        keys: impl IntoIterator<Item = &'a Secret>,
        application: &ApplicationId,
    ) -> Verified {
        let Some((signed, tag)) = text.rsplit_once('.') else {
            return Verified::No;
        };
        let Some((header, claims)) = signed.split_once('.') else {
            return Verified::No;
        };
        let (Some(header), Ok(tag)) = (decode::<Header>(header), BASE64.decode(tag)) else {
            return Verified::No;
        };
        if header.alg != "HS256" || header.typ.is_some_and(|typ| typ != "JWT") {
            return Verified::No;
        }
        let Some(key) = keys.into_iter().find(|key| key.key_id() == header.kid) else {
            return Verified::UnknownKey;
        };
        if tagged(key.mac(), signed).verify_slice(&tag).is_err() {
            return Verified::No;
        }
        match decode::<Claims>(claims) {
            Some(claims) if claims.iss == application.as_str() => UserId::parse(&claims.sub)
                .map_or(Verified::No, |user| {
                    Verified::Genuine(Self {
                        user,
                        issued: Time::from_seconds(claims.iat),
                        expires: Time::from_seconds(claims.exp),
                    })
                }),
            _ => Verified::No,
        }
    }
}

fn tagged(mut mac: Hmac<Sha256>, text: &str) -> Hmac<Sha256> {
    mac.update(text.as_bytes());
    mac
}

fn encode(part: &impl Serialize) -> String {
    BASE64.encode(serde_json::to_vec(part).unwrap_or_default())
}

fn decode<T: for<'a> Deserialize<'a>>(part: &str) -> Option<T> {
    serde_json::from_slice(&BASE64.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::KeyInit;
    use proptest::prelude::*;

    fn key(letter: &str) -> Secret {
        Secret::parse(&letter.repeat(64)).unwrap()
    }

    fn application() -> ApplicationId {
        ApplicationId::parse("app").unwrap()
    }

    fn alice() -> UserId {
        UserId::parse("alice").unwrap()
    }

    fn with(header: &str, claims: &str, key: &Secret) -> String {
        let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
        let tag = BASE64.encode(tagged(key.mac(), &signed).finalize().into_bytes());
        format!("{signed}.{tag}")
    }

    fn header(key: &Secret) -> String {
        format!(r#"{{"alg":"HS256","kid":"{}"}}"#, key.key_id())
    }

    const CLAIMS: &str = r#"{"iss":"app","sub":"alice","iat":1,"exp":2}"#;

    /// RFC 7515, appendix A.1.
    #[test]
    fn the_mac_is_that_of_the_standard() {
        let key = BASE64.decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow").unwrap();
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let tag = BASE64
            .decode("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
            .unwrap();
        assert!(
            tagged(Hmac::new_from_slice(&key).unwrap(), signed)
                .verify_slice(&tag)
                .is_ok()
        );
    }

    #[test]
    fn what_was_signed_is_verified_under_either_key() {
        let (made, text) = UserSecret::sign(
            &key("a"),
            &application(),
            &alice(),
            Time::from_millis(1500),
            Span::from_seconds(60),
        );
        assert_eq!(
            made,
            UserSecret {
                user: alice(),
                issued: Time::from_seconds(1),
                expires: Time::from_seconds(61)
            }
        );
        assert_eq!(
            UserSecret::verify(&text, [&key("b"), &key("a")], &application()),
            Verified::Genuine(made)
        );
        assert_eq!(
            UserSecret::verify(&text, [&key("b")], &application()),
            Verified::UnknownKey
        );
        assert_eq!(
            UserSecret::verify(&text, [&key("a")], &ApplicationId::parse("other").unwrap()),
            Verified::No
        );
    }

    #[test]
    fn any_other_header_is_refused() {
        let (key, application) = (key("a"), application());
        assert!(matches!(
            UserSecret::verify(&with(&header(&key), CLAIMS, &key), [&key], &application),
            Verified::Genuine(_)
        ));
        let kid = key.key_id();
        for header in [
            format!(r#"{{"alg":"none","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"hs256","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"HS512","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"HS256","kid":"{kid}","typ":"JOSE"}}"#),
            format!(r#"{{"alg":"HS256","kid":"{kid}","jku":"https://example.com"}}"#),
            format!(r#"{{"alg":"HS256","kid":"{kid}","x5u":"https://example.com"}}"#),
            format!(r#"{{"alg":"HS256","kid":"{kid}","crit":[]}}"#),
            r#"{"alg":"HS256"}"#.to_owned(),
            "[]".to_owned(),
        ] {
            assert_eq!(
                UserSecret::verify(&with(&header, CLAIMS, &key), [&key], &application),
                Verified::No,
                "{header}"
            );
        }
    }

    #[test]
    fn claims_that_lack_something_are_refused() {
        let (key, application) = (key("a"), application());
        for claims in [
            r#"{"sub":"alice","iat":1,"exp":2}"#,
            r#"{"iss":"app","iat":1,"exp":2}"#,
            r#"{"iss":"app","sub":"alice","exp":2}"#,
            r#"{"iss":"app","sub":"alice","iat":1}"#,
            r#"{"iss":"app","sub":"anonymous","iat":1,"exp":2}"#,
            r#"{"iss":"app","sub":"","iat":1,"exp":2}"#,
            r#"{"iss":"app","sub":7,"iat":1,"exp":2}"#,
            r#"{"iss":"app","sub":"alice","iat":1,"exp":-2}"#,
        ] {
            assert_eq!(
                UserSecret::verify(&with(&header(&key), claims, &key), [&key], &application),
                Verified::No,
                "{claims}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_changed_text_is_genuine(position in 0usize..1000, replacement in "[A-Za-z0-9_.-]") {
            let (_, text) = UserSecret::sign(&key("a"), &application(), &alice(), Time::from_seconds(1), Span::from_seconds(60));
            let position = position % text.len();
            let mut changed = text.clone();
            changed.replace_range(position..=position, &replacement);
            prop_assume!(changed != text);
            prop_assert!(!matches!(UserSecret::verify(&changed, [&key("a")], &application()), Verified::Genuine(_)));
        }

        #[test]
        fn any_text_is_answered(text in ".{0,200}") {
            prop_assert!(!matches!(UserSecret::verify(&text, [&key("a")], &application()), Verified::Genuine(_)));
        }
    }
}

//! API Gateway's JWT authorizer: what it lets pass, and the claims that it hands on.

use crate::template::JwtAuthorizer;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use lambda_http::http::HeaderMap;
use push::Time;
use serde_json::{Map, Value};

/// An authorizer with the keys of its issuer.
pub struct Authorizer {
    /// What it asks of a token.
    pub rule: JwtAuthorizer,
    /// The keys that the issuer publishes.
    pub keys: JwkSet,
}

impl Authorizer {
    /// The claims of the caller's token, each as text; nothing where the caller may not pass: no token, not signed with
    /// RS256 by a key of the issuer, of another issuer, for another audience, expired or not valid yet.
    pub fn claims(&self, headers: &HeaderMap, now: Time) -> Option<Map<String, Value>> {
        let header = headers.get(self.rule.header.as_str())?.to_str().ok()?;
        let token = match header.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => token.trim(),
            Some(_) => return None,
            None => header,
        };
        let claims = self.verified(token)?;
        self.accepts(&claims, now).then(|| {
            claims
                .iter()
                .map(|(name, value)| (name.clone(), text(value).into()))
                .collect()
        })
    }

    fn verified(&self, token: &str) -> Option<Map<String, Value>> {
        let key = self.keys.find(&decode_header(token).ok()?.kid?)?;
        let mut signed = Validation::new(Algorithm::RS256);
        // The rest is checked by `accepts`, with the clock of this system.
        signed.required_spec_claims.clear();
        signed.validate_exp = false;
        signed.validate_aud = false;
        let token = decode(token, &DecodingKey::from_jwk(key).ok()?, &signed).ok()?;
        Some(token.claims)
    }

    fn accepts(&self, claims: &Map<String, Value>, now: Time) -> bool {
        // A token without `aud` is judged by its `client_id`.
        let audience = claims.get("aud").or_else(|| claims.get("client_id"));
        let counts = |audience: &Value| {
            self.rule
                .audience
                .iter()
                .any(|wanted| audience == wanted.as_str())
        };
        let seconds = |name: &str| {
            claims
                .get(name)
                .map(|time| time.as_f64().unwrap_or(f64::NAN))
        };
        #[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^52")]
        let now = now.seconds() as f64;
        claims
            .get("iss")
            .is_some_and(|issuer| issuer == self.rule.issuer.as_str())
            && match audience {
                Some(Value::Array(several)) => several.iter().any(counts),
                Some(one) => counts(one),
                None => false,
            }
            && seconds("exp").is_some_and(|end| now < end)
            && seconds("nbf").is_none_or(|start| start <= now)
            && seconds("iat").is_none_or(|issued| issued <= now)
    }
}

/// A claim as API Gateway writes it: lists as `[a b]`, maps as `map[a:1 b:2]`, the rest as it is.
fn text(claim: &Value) -> String {
    match claim {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", spaced(items.iter().map(text))),
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(name, _)| *name);
            let entries = entries
                .iter()
                .map(|(name, value)| format!("{name}:{}", text(value)));
            format!("map[{}]", spaced(entries))
        }
        Value::Bool(_) | Value::Number(_) => claim.to_string(),
    }
}

fn spaced(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer::Issuer;
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde_json::json;

    const ISSUER: &str = "http://127.0.0.1:1/_local/issuer";
    const NOW: Time = Time::from_seconds(1_000_000);

    fn authorizer(issuer: &Issuer) -> Authorizer {
        Authorizer {
            rule: JwtAuthorizer {
                issuer: ISSUER.to_owned(),
                audience: vec!["other".to_owned(), "userpush".to_owned()],
                header: "Authorization".to_owned(),
            },
            keys: issuer.keys().clone(),
        }
    }

    fn claims(changes: &Value) -> Map<String, Value> {
        let mut claims = json!({"iss": ISSUER, "aud": "userpush", "sub": "alice", "iat": 999_999, "exp": 1_000_001});
        let claims = claims.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.remove(name);
            } else {
                claims.insert(name.clone(), value.clone());
            }
        }
        claims.clone()
    }

    fn header(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(
            lambda_http::http::header::AUTHORIZATION,
            value.parse().unwrap(),
        )])
    }

    #[test]
    fn the_claims_of_a_good_token_are_handed_on_as_text() {
        let issuer = Issuer::new(ISSUER.to_owned()).unwrap();
        let odd = json!({"aud": ["userpush", "x"], "email_verified": true, "address": {"b": 1, "a": null}});
        let token = issuer.sign(&claims(&odd)).unwrap();
        let wanted = json!({
            "iss": ISSUER, "aud": "[userpush x]", "sub": "alice", "iat": "999999", "exp": "1000001",
            "email_verified": "true", "address": "map[a:<nil> b:1]",
        });
        for value in [format!("Bearer {token}"), format!("bearer {token}"), token] {
            assert_eq!(
                authorizer(&issuer)
                    .claims(&header(&value), NOW)
                    .map(Value::Object),
                Some(wanted.clone())
            );
        }
    }

    #[test]
    fn what_a_token_says_is_checked() {
        let issuer = Issuer::new(ISSUER.to_owned()).unwrap();
        let authorizer = authorizer(&issuer);
        for (changes, passes) in [
            (json!({}), true),
            (json!({"exp": 1_000_000}), false),
            (json!({"exp": null}), false),
            (json!({"exp": "1000001"}), false),
            (json!({"nbf": 1_000_000}), true),
            (json!({"nbf": 1_000_001}), false),
            (json!({"iat": 1_000_001}), false),
            (json!({"iss": "http://127.0.0.1:1"}), false),
            (json!({"iss": null}), false),
            (json!({"aud": "another"}), false),
            (json!({"aud": ["another"]}), false),
            (json!({"aud": null}), false),
            (json!({"aud": null, "client_id": "userpush"}), true),
            (json!({"aud": "another", "client_id": "userpush"}), false),
            (json!({"sub": null}), true),
        ] {
            let token = issuer.sign(&claims(&changes)).unwrap();
            assert_eq!(
                authorizer.claims(&header(&token), NOW).is_some(),
                passes,
                "{changes}"
            );
        }
    }

    #[test]
    fn a_signature_of_no_key_of_the_issuer_is_refused() {
        let issuer = Issuer::new(ISSUER.to_owned()).unwrap();
        let authorizer = authorizer(&issuer);
        let token = issuer.sign(&claims(&json!({}))).unwrap();
        let foreign = Issuer::with_fresh_key(ISSUER.to_owned())
            .unwrap()
            .sign(&claims(&json!({})))
            .unwrap();
        let parts: Vec<_> = token.split('.').collect();
        let kid = &issuer.keys().keys[0].common.key_id;
        let head =
            |alg: &str| BASE64_URL_SAFE_NO_PAD.encode(json!({"alg": alg, "kid": kid}).to_string());
        let stolen_kid = format!("{}.{}", head("RS256"), foreign.split_once('.').unwrap().1);
        for bad in [
            foreign.as_str(),
            &stolen_kid,
            &format!("{}.{}.", head("none"), parts[1]),
            &format!("{}.{}.{}", head("HS256"), parts[1], parts[2]),
            &format!("{}.{}.{}", parts[0], parts[1], &parts[2][1..]),
            &format!("Basic {token}"),
            "Bearer",
            "Bearer ",
            "a.b.c",
            "",
        ] {
            assert!(authorizer.claims(&header(bad), NOW).is_none(), "{bad}");
        }
        assert!(authorizer.claims(&header(&token), NOW).is_some());
        assert!(authorizer.claims(&HeaderMap::new(), NOW).is_none());
    }
}

//! An OpenID Connect issuer at which anyone logs in as anyone.

use crate::Error;
use axum::Router;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use lambda_http::http::StatusCode;
use push::Time;
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::{Arc, OnceLock};

/// The issuer. Its key is made at the start of the process and lives as long.
pub struct Issuer {
    url: String,
    key: Arc<SigningKey>,
}

struct SigningKey {
    id: String,
    private: EncodingKey,
    public: JwkSet,
}

/// Where the issuer is found on the server of this system.
pub const PATH: &str = "/_local/issuer";
const DISCOVERY: &str = "/_local/issuer/.well-known/openid-configuration";
const KEYS: &str = "/_local/issuer/.well-known/jwks.json";

/// Whom to sign a token for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Login {
    user_id: String,
    /// Claims beside the usual ones, or in their place; `null` takes one away.
    #[serde(default)]
    claims: Map<String, Value>,
    #[serde(default = "an_hour")]
    expires_in_seconds: i64,
}

fn an_hour() -> i64 {
    3600
}

impl Issuer {
    /// An issuer of this name with the key of this process.
    ///
    /// # Errors
    /// Where there is no randomness to make a key of.
    pub fn new(url: String) -> Result<Self, Error> {
        static KEY: OnceLock<Arc<SigningKey>> = OnceLock::new();
        let key = match KEY.get() {
            Some(key) => Arc::clone(key),
            None => Arc::clone(KEY.get_or_init({
                let key = Arc::new(SigningKey::fresh()?);
                || key
            })),
        };
        Ok(Self { url, key })
    }

    /// An issuer of this name with a key that no other has.
    ///
    /// # Errors
    /// As [`Self::new`].
    #[cfg(test)]
    pub fn with_fresh_key(url: String) -> Result<Self, Error> {
        let key = Arc::new(SigningKey::fresh()?);
        Ok(Self { url, key })
    }

    /// The keys that it publishes.
    pub fn keys(&self) -> &JwkSet {
        &self.key.public
    }

    /// A token with exactly these claims.
    ///
    /// # Errors
    /// Where it cannot be signed.
    pub fn sign(&self, claims: &Map<String, Value>) -> Result<String, Error> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.key.id.clone());
        Ok(encode(&header, claims, &self.key.private)?)
    }

    /// `/_local/login`, and what any OpenID Connect client reads: the description of the issuer and its keys. Tokens
    /// are for `audience`.
    pub fn router(self: Arc<Self>, audience: String, clock: aws::Clock) -> Router {
        let description = json!({
            "issuer": self.url,
            "jwks_uri": self.url.replace(PATH, KEYS),
            "authorization_endpoint": format!("{}/authorize", self.url),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        let keys = json!(self.keys());
        Router::new()
            .route(DISCOVERY, get(|| async { Json(description) }))
            .route(KEYS, get(|| async { Json(keys) }))
            .route(
                "/_local/login",
                post(async move |body: String| self.login(&body, &audience, clock())),
            )
    }

    fn login(&self, body: &str, audience: &str, now: Time) -> Response {
        let login: Login = match serde_json::from_str(body) {
            Ok(login) => login,
            Err(error) => return crate::answer(StatusCode::BAD_REQUEST, &error.to_string()),
        };
        let end = now
            .seconds()
            .saturating_add_signed(login.expires_in_seconds);
        // A token that ends before it begins would be odd in two ways.
        let issued = now.seconds().min(end.saturating_sub(1));
        let mut claims = Map::from_iter([
            ("iss".to_owned(), self.url.as_str().into()),
            ("aud".to_owned(), audience.into()),
            ("sub".to_owned(), login.user_id.into()),
            ("iat".to_owned(), issued.into()),
            ("exp".to_owned(), end.into()),
        ]);
        claims.extend(login.claims);
        claims.retain(|_, value| !value.is_null());
        match self.sign(&claims) {
            Ok(token) => Json(json!({ "token": token })).into_response(),
            Err(error) => crate::answer(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }
}

impl SigningKey {
    fn fresh() -> Result<Self, Error> {
        let key = RsaPrivateKey::new(&mut OsRng, 2048)?;
        let text = |number: &rsa::BigUint| BASE64_URL_SAFE_NO_PAD.encode(number.to_bytes_be());
        let modulus = text(key.n());
        let id: String = modulus.chars().take(8).collect();
        let public: Jwk = serde_json::from_value(json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "n": modulus, "e": text(key.e()),
        }))?;
        Ok(Self {
            id,
            private: EncodingKey::from_rsa_der(key.to_pkcs1_der()?.as_bytes()),
            public: JwkSet { keys: vec![public] },
        })
    }
}

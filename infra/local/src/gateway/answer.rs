//! The answers of the gateway: what it makes of a function's, and its own.

use axum::body::Body;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lambda_http::http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE, TRANSFER_ENCODING, WWW_AUTHENTICATE,
};
use lambda_http::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::Value;

/// An answer that the gateway makes by itself, in its words.
pub fn own(status: StatusCode) -> Response<Body> {
    if status == StatusCode::NO_CONTENT {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        return response;
    }
    let message = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        status => status.canonical_reason().unwrap_or_default(),
    };
    let mut response = crate::answer(status, message);
    if status == StatusCode::UNAUTHORIZED {
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// What a function answered, as the caller gets it; nothing where it is no answer.
pub fn translated(answer: &str) -> Option<Response<Body>> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let status = u16::try_from(answer["statusCode"].as_u64()?).ok()?;
    let text = answer["body"].as_str().unwrap_or_default();
    let body = match answer["isBase64Encoded"].as_bool() {
        Some(true) => BASE64_STANDARD.decode(text).ok()?,
        _ => text.as_bytes().to_vec(),
    };
    let empty = body.is_empty();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status)
        .ok()
        .filter(|status| !status.is_informational())?;
    let headers = response.headers_mut();
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        // How the bytes travel is the gateway's affair.
        if ![CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name) {
            headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
        }
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        headers.append(SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
    }
    if !empty && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use serde_json::json;

    async fn read(response: Response<Body>) -> (u16, Vec<String>, Vec<u8>) {
        let (parts, body) = response.into_parts();
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap())
        };
        let mut headers: Vec<_> = parts.headers.iter().map(line).collect();
        headers.sort();
        (
            parts.status.as_u16(),
            headers,
            body.collect().await.unwrap().to_bytes().to_vec(),
        )
    }

    #[tokio::test]
    async fn a_functions_answer_is_passed_on() {
        let answer = json!({
            "statusCode": 201,
            "headers": {"content-type": "application/json", "x": "1", "content-length": "999"},
            "multiValueHeaders": {"y": ["2"]},
            "cookies": ["a=1", "b=2"],
            "body": "{}",
            "isBase64Encoded": false,
        });
        let headers = [
            "content-type: application/json",
            "set-cookie: a=1",
            "set-cookie: b=2",
            "x: 1",
        ];
        let wanted = (201, headers.map(str::to_owned).to_vec(), b"{}".to_vec());
        assert_eq!(read(translated(&answer.to_string()).unwrap()).await, wanted);
    }

    #[tokio::test]
    async fn a_base64_body_is_decoded() {
        let answer = r#"{"statusCode":200,"body":"/w==","isBase64Encoded":true}"#;
        let headers = vec!["content-type: text/plain; charset=utf-8".to_owned()];
        assert_eq!(
            read(translated(answer).unwrap()).await,
            (200, headers, b"\xff".to_vec())
        );
        let answer = r#"{"statusCode":204,"body":null}"#;
        assert_eq!(
            read(translated(answer).unwrap()).await,
            (204, vec![], vec![])
        );
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for answer in [
            "",
            "{}",
            r#"{"statusCode":"200"}"#,
            r#"{"statusCode":99}"#,
            r#"{"statusCode":200,"body":"?","isBase64Encoded":true}"#,
            r#"{"statusCode":200,"headers":{"a b":"c"}}"#,
        ] {
            assert!(translated(answer).is_none(), "{answer}");
        }
    }

    #[tokio::test]
    async fn the_gateways_own_answers_have_its_words() {
        for (status, message) in [
            (400, "Bad Request"),
            (401, "Unauthorized"),
            (404, "Not Found"),
            (413, "Request Entity Too Large"),
            (431, "Request Header Fields Too Large"),
            (500, "Internal Server Error"),
            (503, "Service Unavailable"),
        ] {
            let (told, headers, body) = read(own(StatusCode::from_u16(status).unwrap())).await;
            assert_eq!(told, status);
            assert!(headers.contains(&"content-type: application/json".to_owned()));
            assert_eq!(
                headers.contains(&"www-authenticate: Bearer".to_owned()),
                status == 401
            );
            assert_eq!(
                String::from_utf8(body).unwrap(),
                json!({ "message": message }).to_string()
            );
        }
    }
}

use super::*;
use crate::Settings;
use aws_sdk_secretsmanager::config::{Credentials, Region, SharedCredentialsProvider};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const NOW: Time = Time::from_seconds(1_800_000_000);

/// A Secrets Manager in which the secret is `c…` and was `p…`, which cannot be read while it is `broken`.
async fn converse(stream: TcpStream, broken: &AtomicBool) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            if stream.read_line(&mut line).await.unwrap() == 0 {
                return;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let previous = String::from_utf8(body).unwrap().contains("AWSPREVIOUS");
        let (status, body) = if previous && broken.load(Ordering::Relaxed) {
            (400, r#"{"__type": "AccessDeniedException"}"#.to_owned())
        } else {
            let text = if previous { "p" } else { "c" }.repeat(64);
            (200, format!(r#"{{"SecretString": "{text}"}}"#))
        };
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} -\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn a_secret_is_not_wrong_while_the_previous_one_cannot_be_read() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let credentials = Credentials::new("key", "secret", None, None, "test");
    let mut aws = aws_types::SdkConfig::builder()
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials));
    aws.set_endpoint_url(Some(url));
    let settings = Settings::read(|name| {
        let needed = [
            "TABLE_NAME",
            "APPLICATION_ID",
            "CLIENT_SECRET_ID",
            "APP_SECRET_ID",
        ];
        needed.contains(&name).then(|| "given".to_owned())
    });
    let settings = settings.unwrap();
    let secrets = Secrets::new(&Start::new(settings, aws, Arc::new(|| NOW)).unwrap());
    let broken = AtomicBool::new(true);
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        converse(stream, &broken).await;
    };
    let story = async {
        let [current, previous, guess] = ["c", "p", "x"].map(|letter| letter.repeat(64));
        let known = secrets.device(&current).await.unwrap();
        assert_eq!(known, Caller::Provisioned);
        for presented in [&previous, &guess] {
            let unknown = secrets.device(presented).await.unwrap_err();
            assert!(matches!(unknown, Failure::Unavailable(_)), "{unknown:?}");
        }
        broken.store(false, Ordering::Relaxed);
        let known = secrets.device(&previous).await.unwrap();
        assert_eq!(known, Caller::Provisioned);
        let wrong = secrets.device(&guess).await.unwrap_err();
        assert!(matches!(wrong, Failure::Unauthorized), "{wrong:?}");
    };
    tokio::select! {
        () = server => panic!("the server has ended"),
        () = story => {}
    }
}

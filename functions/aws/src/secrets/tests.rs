use super::*;
use crate::Settings;
use aws_sdk_secretsmanager::config::{Credentials, Region, SharedCredentialsProvider};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const NOW: Time = Time::from_seconds(1_800_000_000);

/// A Secrets Manager with one secret, and its caller's clock.
struct Manager {
    /// The letter of the current version, which is that letter 64 times. The previous version has the letter before it.
    letter: AtomicU8,
    /// Whether the previous version cannot be read.
    broken: AtomicBool,
    calls: AtomicU32,
    milliseconds: AtomicU64,
}

fn secret(letter: u8) -> String {
    char::from(letter).to_string().repeat(64)
}

impl Manager {
    async fn converse(&self, stream: TcpStream) {
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
            self.calls.fetch_add(1, Ordering::Relaxed);
            let previous = String::from_utf8(body).unwrap().contains("AWSPREVIOUS");
            let (status, body) = if previous && self.broken.load(Ordering::Relaxed) {
                (400, r#"{"__type": "AccessDeniedException"}"#.to_owned())
            } else {
                let text = secret(self.letter.load(Ordering::Relaxed) - u8::from(previous));
                (200, format!(r#"{{"SecretString": "{text}"}}"#))
            };
            let length = body.len();
            let answer = format!("HTTP/1.1 {status} -\r\ncontent-length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    fn rotate(&self) -> String {
        secret(self.letter.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn advance(&self, milliseconds: u64) {
        self.milliseconds.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// How often it was called since the last look.
    fn calls(&self) -> u32 {
        self.calls.swap(0, Ordering::Relaxed)
    }
}

/// Tells a story to the secrets of a function whose Secrets Manager has the secret `c…` and had `b…` before.
async fn told(story: impl AsyncFnOnce(&Secrets, &Manager)) {
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
    let manager = Arc::new(Manager {
        letter: AtomicU8::new(b'c'),
        broken: AtomicBool::new(false),
        calls: AtomicU32::new(0),
        milliseconds: AtomicU64::new(0),
    });
    let watched = Arc::clone(&manager);
    let clock = move || NOW + Span::from_millis(watched.milliseconds.load(Ordering::Relaxed));
    let start = Start::new(settings.unwrap(), aws, Arc::new(clock)).unwrap();
    let secrets = Secrets::new(&start);
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        manager.converse(stream).await;
    };
    tokio::select! {
        () = server => panic!("the server has ended"),
        () = story(&secrets, &manager) => {}
    }
}

async fn is_known(secrets: &Secrets, presented: &str) -> bool {
    match secrets.device(presented).await {
        Ok(caller) => {
            assert_eq!(caller, Caller::Provisioned);
            true
        }
        Err(Failure::Unauthorized(denial)) => {
            assert_eq!(denial, Denial::Wrong);
            false
        }
        Err(failure) => panic!("{failure:?}"),
    }
}

#[tokio::test]
async fn a_secret_is_not_wrong_while_the_previous_one_cannot_be_read() {
    told(async |secrets, manager| {
        manager.broken.store(true, Ordering::Relaxed);
        let [current, previous, guess] = [b'c', b'b', b'x'].map(secret);
        assert!(is_known(secrets, &current).await);
        for presented in [&previous, &guess] {
            let unknown = secrets.device(presented).await.unwrap_err();
            assert!(matches!(unknown, Failure::Unavailable(_)), "{unknown:?}");
        }
        manager.broken.store(false, Ordering::Relaxed);
        assert!(is_known(secrets, &previous).await);
        assert!(!is_known(secrets, &guess).await);
    })
    .await;
}

#[tokio::test]
async fn the_newest_version_is_known_at_once_after_each_rotation() {
    told(async |secrets, manager| {
        assert!(is_known(secrets, &secret(b'c')).await);
        for _ in 0..3 {
            let newest = manager.rotate();
            assert!(is_known(secrets, &newest).await);
            assert!(secrets.is_for_backends(&newest).await.unwrap());
            manager.advance(2000);
        }
        let [last, previous, dead] = [b'f', b'e', b'd'].map(secret);
        assert!(is_known(secrets, &last).await);
        assert!(is_known(secrets, &previous).await);
        assert!(!is_known(secrets, &dead).await);
    })
    .await;
}

#[tokio::test]
async fn wrong_secrets_cost_one_call_in_two_seconds() {
    told(async |secrets, manager| {
        assert!(is_known(secrets, &secret(b'c')).await);
        assert!(!is_known(secrets, "wrong").await);
        // Both versions, and the first look.
        assert_eq!(manager.calls(), 3);
        for (milliseconds, expected) in [(1999, 0), (1, 1), (1999, 0), (1, 1)] {
            manager.advance(milliseconds);
            for wrong in [secret(b'x'), "wrong".to_owned(), "a.b.c".to_owned()] {
                assert!(!is_known(secrets, &wrong).await);
            }
            assert_eq!(manager.calls(), expected, "{milliseconds}");
        }
        // A minute after the first call both versions are read anew, whatever was looked for meanwhile.
        manager.advance(56_000);
        assert!(!is_known(secrets, "wrong").await);
        assert_eq!(manager.calls(), 3);
    })
    .await;
}

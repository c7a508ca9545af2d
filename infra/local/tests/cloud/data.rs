//! The folder of `--data`: one process uses it, a restart finds what was answered, and nothing is answered that is not saved.

use super::{Aws, GCM, refusal};
use aws_sdk_sqs::types::Message;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const JOBS: &str = "https://sqs.us-east-1.amazonaws.com/000000000000/jobs";

impl Aws {
    async fn over(data: &Path) -> Self {
        Self::with(Some(data.to_owned()), None).await
    }

    fn now(&self) -> String {
        (self.cloud.clock())().to_string()
    }
}

async fn refused(data: &Path) -> String {
    let started = Aws::try_with(Some(data.to_owned()), None).await;
    started.err().unwrap().to_string()
}

/// The program itself, once it serves.
fn program(data: &Path) -> Child {
    let mut program = Command::new(env!("CARGO_BIN_EXE_local"))
        .args(["--port", "0", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let output = program.stdout.as_mut().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    assert!(line.starts_with("listening on http://127.0.0.1:"), "{line}");
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_a_process_uses_is_refused_until_that_process_is_gone() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let error = format!(
        "{}: another process uses this folder; end that process, or give --data another folder",
        data.display()
    );
    let aws = Aws::over(data).await;
    assert_eq!(refused(data).await, error);
    drop(aws);
    let mut program = program(data);
    assert_eq!(refused(data).await, error);
    // SIGKILL: the process cleans nothing up.
    program.kill().unwrap();
    program.wait().unwrap();
    drop(Aws::over(data).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_stays_ahead_over_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let aws = Aws::over(data.path()).await;
    let (_, moved) = aws
        .post("clock", json!({"advanceSeconds": 86_400 * 365}))
        .await;
    drop(aws);
    let restarted = Aws::over(data.path()).await;
    assert!(restarted.now().as_str() >= moved["now"].as_str().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_named() {
    for name in [
        "clock.json",
        "dynamodb.sqlite",
        "secrets.json",
        "sns.json",
        "sqs.json",
    ] {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join(name);
        fs::write(&file, "no such thing, neither JSON nor a database").unwrap();
        let error = refused(data.path()).await;
        let begin = format!("{}: ", file.display());
        assert!(error.starts_with(&begin), "{error}");
    }
}

/// A disk that is full for these files.
struct FullDisk<'a>(&'a Path);

const FILES: [&str; 4] = ["clock.next", "secrets.next", "sns.next", "sqs.next"];

impl<'a> FullDisk<'a> {
    fn at(data: &'a Path) -> Self {
        for name in FILES {
            symlink("/dev/full", data.join(name)).unwrap();
        }
        Self(data)
    }
}

impl Drop for FullDisk<'_> {
    fn drop(&mut self) {
        for name in FILES {
            fs::remove_file(self.0.join(name)).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_full_disk_does_not_take_is_answered_with_500_and_not_done() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let aws = Aws::over(data).await.queues();
    let secret = aws.cloud.secret_value("appSecret");
    let time = aws.now();
    let full = FullDisk::at(data);
    let lost = |file: &str| {
        let file = data.join(file);
        format!(
            "the change is not saved: {}: No space left on device (os error 28)",
            file.display()
        )
    };

    let endpoint = aws.sns.create_platform_endpoint();
    let endpoint = endpoint.platform_application_arn(GCM).token("T").send();
    let internal = |code: &str, file| (500, code.to_owned(), lost(file));
    assert_eq!(
        refusal(endpoint.await),
        internal("InternalError", "sns.json")
    );
    let put = aws
        .secrets
        .put_secret_value()
        .secret_id("userpush/appSecret");
    let put = put.secret_string("s").send();
    assert_eq!(
        refusal(put.await),
        internal("InternalServiceError", "secrets.json")
    );
    let sent = aws.sqs.send_message().queue_url(JOBS).message_body("lost");
    assert_eq!(
        refusal(sent.send().await),
        internal("InternalError", "sqs.json")
    );
    for (path, body, file) in [
        (
            "secrets/rotate",
            json!({"secret": "appSecret"}),
            "secrets.json",
        ),
        ("clock", json!({"advanceSeconds": 86_400}), "clock.json"),
        (
            "applications",
            json!({"platform": "G", "enabled": false}),
            "sns.json",
        ),
        ("queues/redrive", json!({"queue": "Dead"}), "sqs.json"),
    ] {
        let answer = json!({"message": lost(file)});
        assert_eq!(aws.post(path, body).await, (500, answer), "{path}");
    }
    drop(full);

    assert_eq!(aws.cloud.secret_value("appSecret"), secret);
    assert_eq!(aws.get("endpoints").await, json!({"endpoints": []}));
    assert_eq!(aws.receive(JOBS).await, Vec::<Message>::new());
    // Less than the day that was lost.
    assert_eq!(aws.now()[..8], time[..8]);
    aws.endpoint(GCM, "T").await;
    drop(aws);
    let restarted = Aws::over(data).await;
    let endpoints = restarted.get("endpoints").await;
    assert_eq!(
        endpoints["endpoints"].as_array().map(Vec::<Value>::len),
        Some(1)
    );
}

//! Boots and serves.

use std::time::SystemTime;

#[expect(clippy::disallowed_methods, reason = "the clock of the process")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    aws::work::<notify::Notify>(SystemTime::now).await
}

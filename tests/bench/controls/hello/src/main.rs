//! A function that does nothing: what `lambda_http` costs by itself.

use lambda_http::{Body, Error, Request, Response, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_http::run(service_fn(|_: Request| async {
        Ok::<_, Error>(Response::builder().status(201).body(Body::from("{}"))?)
    }))
    .await
}

//! The one HTTP server: the control surface under its path, the gateway everywhere else.

use crate::gateway::Gateway;
use crate::host::Hosts;
use crate::{CONTROL, answer};
use axum::Router;
use axum::extract::{Extension, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::any;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use lambda_http::http::StatusCode;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Everything under one roof. Paths, queries and headers reach the gateway as they came.
pub fn router(control: Router, gateway: Gateway, hosts: Hosts) -> Router {
    let (gateway, hosts) = (Arc::new(gateway), Arc::new(hosts));
    control
        .route(
            &format!("{CONTROL}{{*rest}}"),
            any(async || answer(StatusCode::NOT_FOUND, "Not Found")),
        )
        .method_not_allowed_fallback(async || {
            answer(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .fallback(
            async move |Extension(source): Extension<SocketAddr>, request: Request| {
                gateway.answer(request, source).await
            },
        )
        .layer(from_fn(move |request: Request, next: Next| {
            let hosts = Arc::clone(&hosts);
            async move { admit(&hosts, request, next).await }
        }))
}

async fn admit(hosts: &Hosts, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(refused) = hosts.admit(&parts) {
        return answer(StatusCode::FORBIDDEN, &refused);
    }
    next.run(Request::from_parts(parts, body)).await
}

/// Serves until it is dropped, which ends every connection.
pub async fn serve(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, source)) = accepted else {
                    // Out of file descriptors, or the caller is gone again.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                // Answers are small and waited for.
                let _ = stream.set_nodelay(true);
                let service = router.clone().layer(Extension(source));
                let service = TowerToHyperService::new(service);
                let server = hyper::server::conn::http1::Builder::new();
                connections.spawn(async move {
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

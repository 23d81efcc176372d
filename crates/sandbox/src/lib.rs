//! Both services as stateful servers on loopback, faithful to what the vendors document and what was recorded.
//!
//! One implementation serves the demo, the `sandbox` command, the integration tests and the benchmarks. Nothing in here
//! knows boardsync's connectors: a fake written from its client's ideas would only confirm them.

pub mod ado;
pub mod clickup;
pub mod clock;
pub mod faults;
pub mod halves;
pub mod ledger;
pub mod seed;
pub mod world;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A server that runs until this is dropped.
#[derive(Debug)]
pub struct Running {
    /// Address without a trailing slash: `http://127.0.0.1:PORT`.
    pub url: String,
    stop: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // A receiver that is gone means that the server has ended already.
            let _ = stop.send(());
        }
        self.task.abort();
    }
}

/// Serves `router` on a free port of 127.0.0.1. Fails when no socket can be bound.
pub async fn serve(router: Router) -> io::Result<Running> {
    serve_on(router, 0).await
}

/// Serves `router` on the given port of 127.0.0.1 (0: any free one). Fails when the port is taken.
pub async fn serve_on(router: Router, port: u16) -> io::Result<Running> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let ended = axum::serve(listener, router)
            .with_graceful_shutdown(async move {
                let _ = stopped.await;
            })
            .await;
        if let Err(error) = ended {
            tracing::warn!(%error, "sandbox server ended");
        }
    });
    Ok(Running {
        url: format!("http://{address}"),
        stop: Some(stop),
        task,
    })
}

/// An answer that never arrives: the connection is closed before the first byte of it.
///
/// The body fails on its first poll, before the server has flushed the head, so a client sees a reset connection.
pub fn hang_up() -> Response<Body> {
    let broken = futures_util::stream::once(async {
        Err::<Bytes, io::Error>(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    Response::new(Body::from_stream(broken))
}

/// An answer whose body stops in the middle although its head promised all of it.
pub fn truncated(status: StatusCode, content_type: &str, whole: &[u8]) -> Response<Body> {
    let half = Bytes::copy_from_slice(whole.get(..whole.len() / 2).unwrap_or_default());
    let parts = futures_util::stream::unfold(Some(half), |first| async move {
        match first {
            Some(half) => Some((Ok(half), None)),
            None => {
                // Let the head and the first half leave before the connection breaks.
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None))
            }
        }
    });
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("content-length", whole.len())
        .body(Body::from_stream(parts))
        .unwrap_or_else(|_| hang_up())
}

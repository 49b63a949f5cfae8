//! A real origin: answers with the request as it received it, and, under some paths, in ways that a proxy must not
//! notice. `/api/resource/…` is shaped like Frappe's.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Json, Response};
use axum::routing::{any, get};
use futures_util::StreamExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

/// gzip of "compressed by the origin", as `gzip -n` writes it.
pub const GZIPPED: &[u8] = include_bytes!("compressed.gz");

/// What `/cookies` sets.
pub const COOKIES: [&[u8]; 4] =
    [b"a=1; Path=/", b"b=2; Expires=Wed, 01 Jan 2031 00:00:00 GMT", b"a=3, 4; HttpOnly", b"d=\xe9"];

/// The code and the reason of a close.
type Close = (u16, String);

#[derive(Clone, Default)]
struct Shared {
    requests: Arc<Mutex<Vec<String>>>,
    documents: Arc<Mutex<BTreeMap<String, Value>>>,
    address: Arc<Mutex<Option<SocketAddr>>>,
    go: Arc<Notify>,
    closes: Arc<Mutex<BTreeMap<String, Option<Close>>>>,
}

pub struct Origin {
    pub address: SocketAddr,
    shared: Shared,
}

impl Origin {
    /// Listens on a free port until the tests end.
    pub fn start() -> Self {
        let shared = Shared::default();
        let url = super::serve(router(shared.clone()));
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        *shared.address.lock().unwrap() = Some(address);
        Self { address, shared }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether a request with this in its target came through.
    pub fn was_asked_for(&self, part: &str) -> bool {
        self.shared.requests.lock().unwrap().iter().any(|target| target.contains(part))
    }

    /// How the WebSocket of this id ended, once it has: by a close with code and reason, or without.
    pub fn close_of(&self, id: &str) -> Option<Option<Close>> {
        self.shared.closes.lock().unwrap().get(id).cloned()
    }
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/status/{code}", any(status))
        .route("/redirect/{kind}", any(redirect))
        .route("/cookies", any(cookies))
        .route("/gzip", any(async || coded(Path("gzip".to_owned())).await))
        .route("/coded/{coding}", any(coded))
        .route("/range", any(range))
        .route("/bytes/{count}", get(bytes))
        .route("/first-chunk", any(first_chunk))
        .route("/drip", get(drip))
        .route("/drip/go", get(drip_go))
        .route("/ws", get(websocket))
        .route("/api/resource/{doctype}", get(list_documents).post(create_document))
        .route("/api/resource/{doctype}/{name}", get(read_document).put(update_document).delete(delete_document))
        .merge(super::origin_streams::router())
        .fallback(echo)
        .layer(axum::middleware::from_fn_with_state(shared.clone(), record))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(shared)
}

async fn record(State(shared): State<Shared>, request: Request, next: axum::middleware::Next) -> Response {
    shared.requests.lock().unwrap().push(request.uri().to_string());
    next.run(request).await
}

async fn echo(request: Request) -> Response {
    let (head, body) = request.into_parts();
    let (mut hash, mut bytes, mut chunks) = (Sha256::new(), 0, body.into_data_stream());
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else { return StatusCode::BAD_REQUEST.into_response() };
        bytes += chunk.len();
        hash.update(&chunk);
    }
    let latin = |value: &[u8]| value.iter().map(|byte| char::from(*byte)).collect::<String>();
    let headers: Vec<_> =
        head.headers.iter().map(|(name, value)| json!([name.as_str(), latin(value.as_bytes())])).collect();
    Json(json!({
        "method": head.method.as_str(),
        "target": head.uri.to_string(),
        "headers": headers,
        "body": { "bytes": bytes, "sha256": hex::encode(hash.finalize()) },
    }))
    .into_response()
}

async fn status(Path(code): Path<u16>) -> Response {
    let body = if matches!(code, 204 | 304) { Body::empty() } else { Body::from(format!("status {code}")) };
    (StatusCode::from_u16(code).unwrap(), [("X-Origin", "here"), ("ETag", "\"tag\"")], body).into_response()
}

/// A kind, or a status: then with the method and the body that were sent.
async fn redirect(State(shared): State<Shared>, Path(kind): Path<String>, method: Method, body: String) -> Response {
    let own = shared.address.lock().unwrap().unwrap();
    let location = match kind.as_str() {
        "own" => format!("http://{own}/login?next=/app"),
        "relative" => "/login".to_owned(),
        "content-location" => {
            let own = format!("http://{own}/x");
            return [(header::CONTENT_LOCATION, own.clone()), (header::LINK, format!("<{own}>"))].into_response();
        }
        _ => "https://elsewhere.test/login".to_owned(),
    };
    match StatusCode::from_bytes(kind.as_bytes()) {
        Ok(status) => {
            let location = format!("http://{own}/never-followed");
            (status, [(header::LOCATION, location)], format!("{method} {body}")).into_response()
        }
        Err(_) => (StatusCode::FOUND, [(header::LOCATION, location)], "moved").into_response(),
    }
}

async fn cookies() -> Response {
    let fields = COOKIES.map(|cookie| (header::SET_COOKIE, HeaderValue::from_bytes(cookie).unwrap()));
    AppendHeaders(fields).into_response()
}

/// A body that says it is coded; only gzip's is.
async fn coded(Path(coding): Path<String>) -> Response {
    let body = match coding.as_str() {
        "gzip" => GZIPPED,
        "br" => b"\x0b\x02\x80hello\x03",
        _ => b"\x28\xb5\x2f\xfd no frame",
    };
    ([(header::CONTENT_ENCODING, coding), (header::CONTENT_TYPE, "text/plain".to_owned())], body).into_response()
}

/// Ten digits, whole or in part.
async fn range(headers: HeaderMap) -> Response {
    const DIGITS: &str = "0123456789";
    let field = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    let part = match field("range") {
        _ if field("if-range") != "\"v1\"" => None,
        "bytes=2-4" => Some((2, 4)),
        "bytes=-3" => Some((7, 9)),
        _ => {
            let fields = [(header::CONTENT_RANGE, "bytes */10"), (header::ACCEPT_RANGES, "bytes")];
            return (StatusCode::RANGE_NOT_SATISFIABLE, fields).into_response();
        }
    };
    let fields = [(header::ACCEPT_RANGES, "bytes"), (header::ETAG, "\"v1\"")];
    match part {
        None => (fields, DIGITS).into_response(),
        Some((first, last)) => {
            let range = [(header::CONTENT_RANGE, format!("bytes {first}-{last}/10"))];
            (StatusCode::PARTIAL_CONTENT, fields, range, &DIGITS[first..=last]).into_response()
        }
    }
}

async fn bytes(Path(count): Path<usize>) -> Response {
    let chunk = Bytes::from_static(&[b'x'; 65536]);
    let whole = futures_util::stream::repeat(chunk).take(count / 65536);
    let rest = futures_util::stream::iter([Bytes::from(vec![b'x'; count % 65536])]);
    Body::from_stream(whole.chain(rest).map(Ok::<_, std::io::Error>)).into_response()
}

/// Answers with the first chunk of a body, without waiting for the rest.
async fn first_chunk(request: Request) -> Response {
    let mut chunks = request.into_body().into_data_stream();
    let first = chunks.next().await.and_then(Result::ok).unwrap_or_default();
    Body::from(first).into_response()
}

/// Sends `first`, and `last` only once somebody asks for `/drip/go`.
async fn drip(State(shared): State<Shared>) -> Response {
    let first = futures_util::stream::iter([Bytes::from_static(b"first")]);
    let last = futures_util::stream::once(async move {
        shared.go.notified().await;
        Bytes::from_static(b"last")
    });
    Body::from_stream(first.chain(last).map(Ok::<_, std::io::Error>)).into_response()
}

async fn drip_go(State(shared): State<Shared>) -> Response {
    shared.go.notify_one();
    StatusCode::NO_CONTENT.into_response()
}

/// Echoes; closes with code and reason on `close <code> <reason>`, and without a word on `vanish`. Under an id it keeps
/// how the client closed.
async fn websocket(
    State(shared): State<Shared>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let user = headers.get("x-forwarded-user").map_or("nobody", |value| value.to_str().unwrap()).to_owned();
    upgrade.max_message_size(8 << 20).protocols(["spoken"]).on_upgrade(async move |mut socket| {
        socket.send(Message::text(format!("connected as {user}"))).await.unwrap();
        let mut closed = None;
        while let Some(Ok(message)) = socket.recv().await {
            let answer = match message {
                Message::Text(text) if text == "vanish" => return,
                Message::Text(text) if text.starts_with("close ") => {
                    let (code, reason) = text["close ".len()..].split_once(' ').unwrap();
                    Message::Close(Some(CloseFrame { code: code.parse().unwrap(), reason: reason.into() }))
                }
                Message::Text(_) | Message::Binary(_) => message,
                Message::Close(frame) => {
                    closed = frame.map(|frame| (frame.code, frame.reason.to_string()));
                    continue;
                }
                Message::Ping(_) | Message::Pong(_) => continue,
            };
            if socket.send(answer).await.is_err() {
                break;
            }
        }
        if let Some(id) = query.get("id") {
            shared.closes.lock().unwrap().insert(id.clone(), closed);
        }
    })
}

async fn list_documents(State(shared): State<Shared>) -> Response {
    let documents: Vec<_> = shared.documents.lock().unwrap().keys().map(|name| json!({ "name": name })).collect();
    Json(json!({ "data": documents })).into_response()
}

async fn create_document(
    State(shared): State<Shared>,
    Path(doctype): Path<String>,
    headers: HeaderMap,
    Json(mut document): Json<Value>,
) -> Response {
    let mut documents = shared.documents.lock().unwrap();
    let name = format!("{doctype}-{}", documents.len() + 1);
    document["name"] = name.clone().into();
    document["owner"] = headers.get("x-forwarded-user").map_or("Guest", |value| value.to_str().unwrap()).into();
    documents.insert(name, document.clone());
    Json(json!({ "data": document })).into_response()
}

async fn read_document(State(shared): State<Shared>, Path((_, name)): Path<(String, String)>) -> Response {
    match shared.documents.lock().unwrap().get(&name) {
        Some(document) => Json(json!({ "data": document })).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({ "exc_type": "DoesNotExistError" }))).into_response(),
    }
}

async fn update_document(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    Json(changes): Json<Value>,
) -> Response {
    let mut documents = shared.documents.lock().unwrap();
    let Some(document) = documents.get_mut(&name) else { return StatusCode::NOT_FOUND.into_response() };
    for (field, value) in changes.as_object().unwrap() {
        document[field] = value.clone();
    }
    Json(json!({ "data": document })).into_response()
}

async fn delete_document(State(shared): State<Shared>, Path((_, name)): Path<(String, String)>) -> Response {
    shared.documents.lock().unwrap().remove(&name);
    (StatusCode::ACCEPTED, Json(json!({ "message": "ok" }))).into_response()
}

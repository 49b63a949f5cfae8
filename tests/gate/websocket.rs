//! WebSockets through the gate.

use std::net::TcpStream;
use std::time::Duration;

use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::Request;
use tungstenite::protocol::CloseFrame;
use tungstenite::{Error, Message, WebSocket};

use crate::harness::{GATE, Gate, ORIGIN, wait_for};

fn request(gate: &Gate, path: &str, authorization: &str) -> Request {
    let mut request = format!("ws://{}{path}", gate.authority()).into_client_request().unwrap();
    request.headers_mut().insert("Authorization", authorization.parse().unwrap());
    request
}

/// Codes and reasons that either side may close with (RFC 6455, §7.4).
const CLOSES: [(u16, &str); 8] = [
    (1000, "done"),
    (1001, ""),
    (1002, "a reason, with: signs"),
    (1008, "ä reason"),
    (1011, "failed"),
    (3000, "registered"),
    (4001, "as asked"),
    (4999, "last"),
];

/// Opens a WebSocket through a gate.
pub fn connect(gate: &Gate, path: &str, authorization: &str) -> Result<WebSocket<TcpStream>, Error> {
    let stream = TcpStream::connect(gate.authority()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    match tungstenite::client(request(gate, path, authorization), stream) {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::HandshakeError::Failure(error)) => Err(error),
        Err(tungstenite::HandshakeError::Interrupted(_)) => panic!("the socket blocks"),
    }
}

#[test]
fn messages_go_both_ways_with_the_users_identity() {
    let token = GATE.generate("websocket").token();
    let mut socket = connect(&GATE, "/ws", &token).unwrap();
    assert_eq!(socket.read().unwrap(), Message::text("connected as websocket"));
    let megabyte = vec![7; 1 << 20];
    for message in [Message::text("hello"), Message::binary(megabyte)] {
        socket.send(message.clone()).unwrap();
        assert_eq!(socket.read().unwrap(), message);
    }
}

#[test]
fn the_origins_close_reaches_the_client_with_its_code_and_reason() {
    let token = GATE.generate("origin-closes").token();
    for (code, reason) in CLOSES {
        let mut socket = connect(&GATE, "/ws", &token).unwrap();
        socket.read().unwrap();
        socket.send(Message::text(format!("close {code} {reason}"))).unwrap();
        let Message::Close(Some(frame)) = socket.read().unwrap() else { panic!("a close frame expected") };
        assert_eq!((u16::from(frame.code), frame.reason.as_str()), (code, reason));
    }
}

#[test]
fn the_clients_close_reaches_the_origin_with_its_code_and_reason() {
    let token = GATE.generate("client-closes").token();
    for (code, reason) in CLOSES {
        let id = format!("closed-by-client-{code}");
        let mut socket = connect(&GATE, &format!("/ws?id={id}"), &token).unwrap();
        socket.read().unwrap();
        socket.close(Some(CloseFrame { code: code.into(), reason: reason.into() })).unwrap();
        // The answer to a close is a close.
        while socket.read().is_ok() {}
        wait_for("the origin to see the close", || ORIGIN.close_of(&id).is_some());
        assert_eq!(ORIGIN.close_of(&id), Some(Some((code, reason.to_owned()))));
    }
}

#[test]
fn a_client_that_vanishes_is_gone_for_the_origin_too() {
    let token = GATE.generate("vanishes").token();
    let mut socket = connect(&GATE, "/ws?id=vanished", &token).unwrap();
    socket.read().unwrap();
    drop(socket);
    wait_for("the origin to notice", || ORIGIN.close_of("vanished").is_some());
}

#[test]
fn an_origin_that_vanishes_is_gone_for_the_client_too() {
    let token = GATE.generate("origin-vanishes").token();
    let mut socket = connect(&GATE, "/ws", &token).unwrap();
    socket.read().unwrap();
    socket.send(Message::text("vanish")).unwrap();
    // No close is made up that the origin did not send.
    let read = socket.read();
    assert!(read.is_err(), "{read:?}");
}

#[test]
fn a_subprotocol_is_between_client_and_origin() {
    let token = GATE.generate("subprotocol").token();
    let mut request = request(&GATE, "/ws", &token);
    request.headers_mut().insert("Sec-WebSocket-Protocol", "other, spoken".parse().unwrap());
    let (_, response) = tungstenite::client(request, TcpStream::connect(GATE.authority()).unwrap()).unwrap();
    assert_eq!(response.headers().get("sec-websocket-protocol").unwrap(), "spoken");
}

#[test]
fn an_upgrade_that_the_origin_refuses_is_answered_as_the_origin_answers() {
    let token = GATE.generate("no-upgrade").token();
    match connect(&GATE, "/status/403", &token) {
        Err(Error::Http(response)) => assert_eq!(response.status(), 403),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_upgrade_needs_credentials_like_anything_else() {
    match connect(&GATE, "/ws?refused", "token k:s") {
        Err(Error::Http(response)) => assert_eq!(response.status(), 401),
        other => panic!("{other:?}"),
    }
    assert!(!ORIGIN.was_asked_for("/ws?refused"));
}

#[test]
fn a_page_of_another_site_opens_no_socket_with_what_the_browser_sends_by_itself() {
    let keys = GATE.generate("websocket-cross-site");
    let mut request = request(&GATE, "/ws?cross-site", &keys.basic());
    request.headers_mut().insert("Origin", "https://evil.test".parse().unwrap());
    match tungstenite::client(request, TcpStream::connect(GATE.authority()).unwrap()) {
        Err(tungstenite::HandshakeError::Failure(Error::Http(response))) => assert_eq!(response.status(), 403),
        other => panic!("{other:?}"),
    }
    assert!(!ORIGIN.was_asked_for("/ws?cross-site"));
}

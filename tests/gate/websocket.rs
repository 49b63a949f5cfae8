//! WebSockets through the gate.

use std::net::TcpStream;
use std::time::Duration;

use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::Request;
use tungstenite::{Error, Message, WebSocket};

use crate::harness::{GATE, Gate, ORIGIN};

fn request(gate: &Gate, path: &str, authorization: &str) -> Request {
    let mut request = format!("ws://{}{path}", gate.authority()).into_client_request().unwrap();
    request.headers_mut().insert("Authorization", authorization.parse().unwrap());
    request
}

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
    socket.send(Message::text("close")).unwrap();
    let Message::Close(Some(frame)) = socket.read().unwrap() else { panic!("a close frame expected") };
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (4001, "as asked"));
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

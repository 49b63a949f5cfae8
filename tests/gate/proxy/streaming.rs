//! Bodies: as they come, whatever their size, through a gate that keeps none of them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::harness::GATE;

/// Sends the head of a request and the start of its body, on a connection of its own.
fn raw(head: &str, token: &str, start: &str) -> TcpStream {
    let mut socket = TcpStream::connect(GATE.authority()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(socket, "{head} HTTP/1.1\r\nHost: {}\r\nAuthorization: {token}\r\n{start}", GATE.authority()).unwrap();
    socket
}

fn read_until(socket: &mut TcpStream, expected: &str) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while !text.contains(expected) {
        let length = socket.read(&mut buffer).unwrap();
        assert!(length > 0, "{expected:?} never came: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    text
}

#[test]
fn a_body_reaches_the_origin_while_it_is_still_being_sent() {
    let token = GATE.generate("uploading").token();
    let start = "Transfer-Encoding: chunked\r\n\r\nb\r\nhello there\r\n";
    let mut socket = raw("POST /first-chunk", &token, start);
    let answer = read_until(&mut socket, "hello there");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_response_reaches_the_client_while_the_origin_is_still_writing_it() {
    let token = GATE.generate("downloading").token();
    let mut socket = raw("GET /drip", &token, "\r\n");
    let start = read_until(&mut socket, "first");
    assert!(!start.contains("last"), "{start}");
    assert_eq!(GATE.get("/drip/go", &token).status, 204);
    read_until(&mut socket, "last");
}

#[test]
fn twenty_megabytes_stream_through_unchanged_both_ways() {
    const BYTES: usize = 20_000_000;
    let token = GATE.generate("streaming").token();
    let pattern: Vec<u8> = (0u32..65_536).flat_map(u32::to_le_bytes).collect();
    let body = || pattern.iter().copied().cycle().take(BYTES).collect::<Vec<u8>>();
    let reply = GATE.stream("POST", "/upload", &token, body().as_slice().chain(std::io::empty()));
    let json = reply.json();
    assert_eq!(json["body"]["bytes"], BYTES);
    assert_eq!(json["body"]["sha256"], hex::encode(Sha256::digest(body())));
    let download = GATE.get(&format!("/bytes/{BYTES}"), &token);
    assert!(download.body.len() == BYTES && download.body.iter().all(|byte| *byte == b'x'));
}

//! Bodies: as they come, whatever their size, through a gate that keeps none of them.

use std::io::{Read, Write};

use sha2::{Digest, Sha256};

use crate::harness::{EVENTS, GATE, RawReply, RawRequest, pattern_hash};

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn read_until(stream: &mut impl Read, expected: &str) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while !text.contains(expected) {
        let length = stream.read(&mut buffer).unwrap();
        assert!(length > 0, "{expected:?} never came: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    text
}

#[test]
fn a_body_reaches_the_origin_while_it_is_still_being_sent() {
    let token = GATE.generate("uploading").token();
    let request = RawRequest::new("POST", "/first-chunk").token(&token).field("Transfer-Encoding", "chunked");
    let mut socket = request.open(&GATE.direct);
    socket.get_mut().write_all(b"b\r\nhello there\r\n").unwrap();
    let answer = read_until(&mut socket, "hello there");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_response_reaches_the_client_while_the_origin_is_still_writing_it() {
    let token = GATE.generate("downloading").token();
    let mut socket = RawRequest::new("GET", "/drip").token(&token).open(&GATE.direct);
    let start = read_until(&mut socket, "first");
    assert!(!start.contains("last"), "{start}");
    assert_eq!(GATE.get("/drip/go", &token).status, 204);
    read_until(&mut socket, "last");
}

#[test]
fn bodies_without_a_length_go_both_ways() {
    let token = GATE.generate("chunks").token();
    let reply = RawRequest::new("POST", "/chunks").token(&token).chunks(&["a", "bc", "def"]).send(&GATE.direct);
    let json = reply.json();
    assert_eq!((json["body"]["bytes"].as_u64(), json["body"]["sha256"].as_str()), (Some(6), Some(&*sha256(b"abcdef"))));
    assert_eq!(
        (reply.received("transfer-encoding"), reply.received("content-length")),
        (vec!["chunked".into()], vec![])
    );
    let reply = RawRequest::new("GET", "/pattern/200000").token(&token).send(&GATE.direct);
    assert_eq!(
        (reply.text("transfer-encoding").as_str(), reply.complete, reply.body.len()),
        ("chunked", true, 200_000)
    );
    assert_eq!(sha256(&reply.body), pattern_hash(200_000));
}

#[test]
fn bodies_with_a_length_keep_it() {
    let token = GATE.generate("lengths").token();
    for body in [b"".as_slice(), b"abcdef"] {
        let reply = RawRequest::new("POST", "/length").token(&token).body(body).send(&GATE.direct);
        assert_eq!(reply.received("content-length"), [body.len().to_string()]);
        assert!(reply.received("transfer-encoding").is_empty());
    }
}

#[test]
fn server_sent_events_arrive_one_by_one() {
    let token = GATE.generate("events").token();
    // With what Miniflare does in the edge's place, too: an encoder must not hold events back.
    for (id, address, coding) in [("raw", &*GATE.direct, "gzip"), ("edge", GATE.authority(), "identity")] {
        let request = RawRequest::new("GET", format!("/events/{id}")).token(&token).field("Accept-Encoding", coding);
        let mut stream = request.open(address);
        let head = RawReply::read_head(&mut stream);
        assert_eq!((head.status, head.text("content-type").as_str()), (200, "text/event-stream"));
        for number in 1..=EVENTS {
            // The origin writes no event before the one that came first was asked to be followed.
            read_until(&mut stream, &format!("data: event {number}\n\n"));
            assert_eq!(GATE.post(&format!("/events/{id}/next"), &token).status, 204);
        }
        read_until(&mut stream, "0\r\n\r\n");
    }
}

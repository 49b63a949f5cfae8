//! Origins that are slow, broken or gone, and clients that go away.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::harness::{EVENTS, Exchange, GATE, Gate, OK, Options, RawOrigin, RawReply, RawRequest, exchange, wait_for};

/// A gate that waits a second for the head of an answer.
static IMPATIENT: LazyLock<Gate> = LazyLock::new(|| Gate::start(Options::with(&[("ORIGIN_TIMEOUT_SECONDS", "1")])));
/// Longer than that gate waits.
const TOO_LONG: Duration = Duration::from_millis(2_500);

#[test]
fn an_origin_that_is_down_is_a_502_in_the_gates_own_shape() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gate = Gate::start(Options::with(&[("ORIGIN", &format!("http://{free}"))]));
    let token = gate.generate("down").token();
    let reply = gate.send("GET", "/x", &[("Authorization", &token), ("X-Request-Id", "down-1")], b"");
    assert_eq!((reply.status, reply.exc_type().as_str()), (502, "OriginUnreachable"));
    assert_eq!(reply.header("x-request-id"), "down-1");
    assert!(!reply.text().contains(&free.port().to_string()));
}

#[test]
fn a_slow_origin_is_waited_for() {
    let token = GATE.generate("slow").token();
    let reply = GATE.get("/slow/waited-for/3000", &token);
    assert_eq!((reply.status, reply.text().as_str()), (200, "at last"));
    assert_eq!(exchange("waited-for"), Some(Exchange::Complete));
}

#[test]
fn an_origin_that_takes_longer_than_it_may_is_a_504_and_given_up() {
    let token = IMPATIENT.generate("too-slow").token();
    let start = Instant::now();
    let fields = [("Authorization", token.as_str()), ("X-Request-Id", "slow-1")];
    let reply = IMPATIENT.send("GET", "/slow/given-up/600000", &fields, b"");
    assert_eq!((reply.status, reply.exc_type().as_str()), (504, "OriginTimeout"));
    assert_eq!(reply.header("x-request-id"), "slow-1");
    assert!(start.elapsed() >= Duration::from_secs(1));
    wait_for("the origin to notice", || exchange("given-up") == Some(Exchange::BrokenOff));
}

#[test]
fn an_upload_that_takes_longer_than_the_origin_may_is_a_504_and_broken_off() {
    let token = IMPATIENT.generate("slow-upload").token();
    let request = RawRequest::new("POST", "/swallow/slow-upload").token(&token).field("Transfer-Encoding", "chunked");
    let mut stream = request.open(&IMPATIENT.direct);
    stream.get_mut().write_all(b"4\r\npart\r\n").unwrap();
    let head = RawReply::read_head(&mut stream);
    assert_eq!((head.status, head.text("content-type").as_str()), (504, "application/json"));
    wait_for("the origin to notice", || exchange("slow-upload") == Some(Exchange::BrokenOff));
    assert_eq!(IMPATIENT.get("/after", &token).status, 200);
}

#[test]
fn an_answer_that_has_begun_in_time_is_never_cut_off() {
    let token = IMPATIENT.generate("begun").token();
    let mut stream = RawRequest::new("GET", "/events/begun").token(&token).open(&IMPATIENT.direct);
    assert_eq!(RawReply::read_head(&mut stream).status, 200);
    std::thread::sleep(TOO_LONG);
    for _ in 0..EVENTS {
        assert_eq!(IMPATIENT.post("/events/begun/next", &token).status, 204);
    }
    let mut body = String::new();
    while !body.ends_with("0\r\n\r\n") {
        let mut buffer = [0; 1024];
        let length = stream.read(&mut buffer).unwrap();
        assert!(length > 0, "cut off: {body}");
        body.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    assert!(body.contains(&format!("data: event {EVENTS}\n")), "{body}");
}

#[test]
fn a_websocket_that_was_opened_in_time_is_never_cut_off() {
    let token = IMPATIENT.generate("opened").token();
    let mut socket = crate::websocket::connect(&IMPATIENT, "/ws", &token).unwrap();
    assert_eq!(socket.read().unwrap().to_text().unwrap(), "connected as opened");
    std::thread::sleep(TOO_LONG);
    socket.send("still there?".into()).unwrap();
    assert_eq!(socket.read().unwrap().to_text().unwrap(), "still there?");
}

#[test]
fn an_origin_that_says_no_head_is_a_502_and_the_next_request_is_served() {
    let answers: [&[u8]; 6] = [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno field\r\n\r\n",
    ];
    let origin = RawOrigin::start(move |head, stream| {
        let number = head.target()[1..].iter().fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
        let _ = stream.write_all(answers.get(number).copied().unwrap_or(OK));
    });
    let gate = Gate::start(Options::with(&[("ORIGIN", &origin.url())]));
    let token = gate.generate("no-head").token();
    for number in 0..answers.len() {
        let request = RawRequest::new("GET", format!("/{number}")).token(&token).field("X-Request-Id", "no-head-1");
        let reply = request.send(&gate.direct);
        assert_eq!((reply.status, reply.json()["exc_type"].as_str()), (502, Some("OriginUnreachable")), "{number}");
        assert_eq!(reply.text("x-request-id"), "no-head-1");
        assert_eq!(RawRequest::new("GET", "/99").token(&token).send(&gate.direct).status, 200);
    }
}

#[test]
fn a_body_that_the_origin_breaks_off_never_looks_complete() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\nno size\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\npart",
    ] {
        let origin = RawOrigin::answering(answer);
        let gate = Gate::start(Options::with(&[("ORIGIN", &origin.url())]));
        let token = gate.generate("broken-off").token();
        for address in [&*gate.direct, gate.authority()] {
            let reply = RawRequest::new("GET", "/").token(&token).send(address);
            assert_eq!((reply.status, reply.complete), (200, false), "{answer}");
            assert!(b"part".starts_with(&reply.body), "{answer}");
        }
    }
}

#[test]
fn the_origin_notices_a_client_that_goes_away_during_a_download() {
    let token = GATE.generate("away-downloading").token();
    let mut stream = RawRequest::new("GET", "/endless/away").token(&token).open(&GATE.direct);
    stream.read_exact(&mut vec![0; 1 << 20]).unwrap();
    assert_eq!(exchange("away"), Some(Exchange::Begun));
    drop(stream);
    wait_for("the origin to notice", || exchange("away") == Some(Exchange::BrokenOff));
    assert_eq!(GATE.get("/after", &token).status, 200);
}

#[test]
fn the_origin_notices_a_client_that_goes_away_during_an_upload() {
    let token = GATE.generate("away-uploading").token();
    for (id, field, value) in [("length", "Content-Length", "100000000"), ("chunks", "Transfer-Encoding", "chunked")] {
        let mut stream =
            RawRequest::new("POST", format!("/swallow/{id}")).token(&token).field(field, value).open(&GATE.direct);
        stream.get_mut().write_all(b"10\r\n0123456789abcdef\r\n").unwrap();
        wait_for("the upload to begin", || exchange(id) == Some(Exchange::Begun));
        stream.get_ref().shutdown(Shutdown::Both).unwrap();
        wait_for("the origin to notice", || exchange(id) == Some(Exchange::BrokenOff));
        assert_eq!(GATE.get("/after", &token).status, 200);
    }
}

//! An origin that resets its connections (RST, not FIN), before, in and after an answer.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::harness::{Gate, OK, Options, RawOrigin, RawRequest};

/// What an origin has said when it resets.
const BEGUN: [&str; 5] = [
    "",
    "HTTP/1.1 200 O",
    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX-Field: ",
    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
];

/// Ends a connection by RST, once the other side has read what was sent to it.
fn reset(stream: &TcpStream) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stream = stream.try_clone().unwrap();
    stream.set_nonblocking(true).unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::from_std(stream).unwrap();
        stream.set_zero_linger().unwrap();
    });
}

#[test]
fn an_origin_that_resets_is_a_502_or_a_body_that_is_broken_off_and_the_next_request_is_served() {
    let origin = RawOrigin::start(|head, stream| {
        let Some(begun) =
            std::str::from_utf8(&head.target()[1..]).unwrap().parse().ok().and_then(|at: usize| BEGUN.get(at))
        else {
            return drop(stream.write_all(OK));
        };
        stream.write_all(begun.as_bytes()).unwrap();
        // What was sent is lost with the reset, unless it has been read.
        std::thread::sleep(std::time::Duration::from_millis(100));
        reset(stream);
    });
    let gate = Gate::start(Options::with(&[("ORIGIN", &origin.url())]));
    let token = gate.generate("reset").token();
    for (number, begun) in BEGUN.iter().enumerate() {
        for method in ["GET", "POST"] {
            let request = RawRequest::new(method, format!("/{number}")).token(&token);
            let request = if method == "POST" { request.body(b"body") } else { request };
            let reply = request.send(&gate.direct);
            if begun.contains("\r\n\r\n") {
                assert_eq!((reply.status, reply.complete), (200, false), "{method} {begun:?}");
            } else {
                assert_eq!((reply.status, reply.json()["exc_type"].as_str()), (502, Some("OriginUnreachable")));
            }
            let asked = origin.take().len();
            assert_eq!(asked, 1, "{method} {begun:?}");
            assert_eq!(RawRequest::new("GET", "/served").token(&token).send(&gate.direct).status, 200);
            origin.take();
        }
    }
}

/// An origin that keeps connections, and resets each at its second request.
fn resetting_at_the_second_request() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, kept) = (stream.unwrap(), kept.clone());
            std::thread::spawn(move || {
                for number in 0.. {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let mut byte = [0];
                        if !matches!(stream.read(&mut byte), Ok(1)) {
                            return;
                        }
                        head.push(byte[0]);
                    }
                    let line = String::from_utf8_lossy(&head).lines().next().unwrap().to_owned();
                    kept.lock().unwrap().push(line);
                    if number == 1 {
                        return reset(&stream);
                    }
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
                }
            });
        }
    });
    (url, seen)
}

#[test]
fn a_kept_connection_that_is_reset_never_sends_an_unsafe_request_twice() {
    let (url, seen) = resetting_at_the_second_request();
    let gate = Gate::start(Options::with(&[("ORIGIN", &url)]));
    let token = gate.generate("kept").token();
    let mut statuses = Vec::new();
    for number in 0..10 {
        let target = format!("/unsafe/{number}");
        let status = RawRequest::new("POST", &target).token(&token).body(b"").send(&gate.direct).status;
        statuses.push(status);
        let line = format!("POST {target} HTTP/1.1");
        let times = seen.lock().unwrap().iter().filter(|seen| **seen == line).count();
        assert_eq!(times, 1, "{status}");
    }
    assert_eq!(statuses, [200, 502].repeat(5));
}

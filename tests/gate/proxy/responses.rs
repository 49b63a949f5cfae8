//! What comes back is what the origin said.

use std::io::{Read, Write};

use crate::harness::{COOKIES, GATE, GZIPPED, Gate, OK, ORIGIN, Options, RawOrigin, RawRequest};

/// A gate in front of an origin that answers with these bytes, and a token for it.
fn gate_before(answer: impl Into<Vec<u8>>) -> (Gate, RawOrigin, String) {
    let origin = RawOrigin::answering(answer);
    let gate = Gate::start(Options::with(&[("ORIGIN", &origin.url())]));
    let token = gate.generate("responses").token();
    (gate, origin, token)
}

#[test]
fn statuses_come_back_with_their_fields_and_bodies() {
    let token = GATE.generate("statuses").token();
    for code in [
        200, 201, 202, 203, 206, 207, 226, 299, 300, 400, 401, 402, 403, 404, 405, 407, 409, 410, 416, 418, 419, 422,
        426, 429, 451, 499, 500, 501, 502, 503, 504, 511, 520, 530, 599, 600, 799, 999,
    ] {
        let reply = RawRequest::new("GET", format!("/status/{code}")).token(&token).send(&GATE.direct);
        assert_eq!((reply.status, reply.complete, reply.body_text()), (code, true, format!("status {code}")));
        assert_eq!((reply.text("x-origin"), reply.text("etag")), ("here".to_owned(), "\"tag\"".to_owned()));
    }
}

#[test]
fn empty_answers_stay_empty_and_keep_their_fields() {
    let token = GATE.generate("empty-answers").token();
    for code in [204, 304] {
        for method in ["GET", "HEAD"] {
            let stream = RawRequest::new(method, format!("/status/{code}")).token(&token);
            let stream = stream.field("Connection", "close").open(&GATE.direct);
            let bytes: Vec<u8> = stream.bytes().map_while(Result::ok).collect();
            let (head, body) = bytes.split_at(bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4);
            let head = String::from_utf8_lossy(head);
            assert!(head.starts_with(&format!("HTTP/1.1 {code} ")) && head.contains("ETag: \"tag\""), "{head}");
            assert!(!head.contains("Transfer-Encoding"), "{head}");
            assert_eq!(body, b"", "{method} {code}");
        }
    }
}

#[test]
fn head_keeps_the_length_and_has_no_body() {
    let (gate, origin, token) = gate_before(
        "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nContent-Type: image/png\r\nETag: \"v1\"\r\nConnection: close\r\n\r\n",
    );
    let request = RawRequest::new("HEAD", "/picture").token(&token).field("Connection", "close");
    let bytes: Vec<u8> = request.open(&gate.direct).bytes().map_while(Result::ok).collect();
    let text = String::from_utf8(bytes).unwrap();
    for expected in ["HTTP/1.1 200 ", "Content-Length: 12345\r\n", "Content-Type: image/png\r\n", "ETag: \"v1\"\r\n"] {
        assert!(text.contains(expected), "{text}");
    }
    assert!(text.ends_with("\r\n\r\n"));
    assert!(origin.take()[0].0[0].starts_with(b"HEAD /picture "));
}

#[test]
fn interim_answers_do_not_stand_in_the_way_of_the_final_one() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n";
    let (gate, _, token) = gate_before([interim.as_bytes(), OK].concat());
    let reply = RawRequest::new("GET", "/").token(&token).send(&gate.direct);
    assert_eq!((reply.status, reply.body_text().as_str()), (200, "ok"));
}

#[test]
fn each_cookie_keeps_a_field_of_its_own() {
    let token = GATE.generate("cookies").token();
    for address in [GATE.direct.as_str(), GATE.authority()] {
        let reply = RawRequest::new("GET", "/cookies").token(&token).send(address);
        assert_eq!(reply.values("set-cookie"), COOKIES);
    }
}

#[test]
fn field_values_go_both_ways_byte_for_byte() {
    let values: [&[u8]; 6] =
        [b"caf\xe9", "café ☕".as_bytes(), b"\x80\xff\xfe", b"a\tb", b"a, b,, c", br#"attachment; filename="a;b.txt""#];
    let origin = RawOrigin::start(|head, stream| {
        let value = head.values("x-value")[0];
        let answer = [
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\nX-Value: ",
            value,
            b"\r\nContent-Disposition: ",
            value,
            b"\r\n\r\n",
        ];
        stream.write_all(&answer.concat()).unwrap();
    });
    let gate = Gate::start(Options::with(&[("ORIGIN", &origin.url())]));
    let token = gate.generate("values").token();
    for value in values {
        let request = RawRequest::new("GET", "/").token(&token).field("X-Value", value).field("Referer", value);
        let reply = request.send(&gate.direct);
        assert_eq!((reply.status, reply.values("x-value")), (200, vec![value]));
        assert_eq!(reply.values("content-disposition"), [value]);
        let head = &origin.take()[0];
        assert_eq!((head.values("x-value"), head.values("referer")), (vec![value], vec![value]));
    }
}

#[test]
fn ranges_are_the_origins_to_serve() {
    let token = GATE.generate("ranges").token();
    let ask = |range: &str, condition: &str| {
        let request = RawRequest::new("GET", "/range").token(&token).field("Range", range).field("If-Range", condition);
        let reply = request.send(&GATE.direct);
        (reply.status, reply.text("content-range"), reply.text("accept-ranges"), reply.body_text())
    };
    let answer = |status, range: &str, body: &str| (status, range.to_owned(), "bytes".to_owned(), body.to_owned());
    assert_eq!(ask("bytes=2-4", "\"v1\""), answer(206, "bytes 2-4/10", "234"));
    assert_eq!(ask("bytes=-3", "\"v1\""), answer(206, "bytes 7-9/10", "789"));
    assert_eq!(ask("bytes=2-4", "\"v0\""), answer(200, "", "0123456789"));
    assert_eq!(ask("bytes=20-30", "\"v1\""), answer(416, "bytes */10", ""));
}

#[test]
fn compressed_bodies_come_back_byte_for_byte() {
    let token = GATE.generate("compressed-bytes").token();
    // No brotli stream that somebody could decode: what matters is that nobody tries.
    for (coding, body) in [("gzip", GZIPPED), ("br", b"\x0b\x02\x80hello\x03"), ("zstd", b"\x28\xb5\x2f\xfd no frame")]
    {
        for accepted in ["gzip, br", "identity", ""] {
            let request = RawRequest::new("GET", format!("/coded/{coding}")).token(&token);
            let reply = request.field("Accept-Encoding", accepted).send(&GATE.direct);
            assert_eq!((reply.status, reply.text("content-encoding").as_str()), (200, coding), "{accepted}");
            assert_eq!(
                (reply.body.as_slice(), reply.text("content-length")),
                (body, body.len().to_string()),
                "{coding}"
            );
        }
    }
}

#[test]
fn what_a_client_accepts_is_told_to_the_origin() {
    let token = GATE.generate("accepts").token();
    let fields = [
        ("accept", "text/html;q=0.5, */*"),
        ("accept-encoding", "zstd, br;q=0.1"),
        ("accept-language", "de"),
        ("cookie", "a=1; b=\"x, y\""),
        ("if-none-match", "\"v1\", W/\"v2\""),
        ("if-modified-since", "Wed, 01 Jan 2031 00:00:00 GMT"),
        ("user-agent", "a client (of ours)"),
        ("cache-control", "max-age=0"),
        ("origin", "https://app.test"),
    ];
    let mut request = RawRequest::new("GET", "/accepts").token(&token);
    for (name, value) in fields {
        request = request.field(name, value);
    }
    let reply = request.send(&GATE.direct);
    for (name, value) in fields {
        assert_eq!(reply.received(name), [value]);
    }
}

#[test]
fn fields_that_come_twice_say_the_same_behind_the_gate() {
    let (gate, origin, token) = gate_before(
        "HTTP/1.1 200 OK\r\nX-Twice: 1\r\nX-Twice: 2\r\nVary: a\r\nVary: b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    let mut request = RawRequest::new("GET", "/").token(&token);
    for (name, value) in [("X-Twice", "1"), ("X-Twice", "2"), ("Accept", "a"), ("Accept", "b"), ("X-Empty", "")] {
        request = request.field(name, value);
    }
    let reply = request.send(&gate.direct);
    let head = &origin.take()[0];
    let twice: [&[u8]; 2] = [b"1", b"2"];
    assert_eq!((reply.values("x-twice"), head.values("x-twice")), (twice.to_vec(), twice.to_vec()));
    // workerd joins those that it knows by name (RFC 9110, §5.3, allows it).
    assert_eq!((reply.text("vary").as_str(), head.values("accept")), ("a, b", vec![b"a, b".as_slice()]));
    assert_eq!(head.values("x-empty"), [b""]);
}

#[test]
fn redirects_keep_their_status_whatever_was_sent() {
    let token = GATE.generate("redirect-statuses").token();
    for status in [301, 302, 303, 307, 308] {
        for (method, body) in [("GET", ""), ("POST", "body"), ("PUT", "body"), ("DELETE", "")] {
            let request = RawRequest::new(method, format!("/redirect/{status}")).token(&token).body(body.as_bytes());
            let reply = request.send(&GATE.direct);
            assert_eq!((reply.status, reply.body_text()), (status, format!("{method} {body}")));
            assert_eq!(reply.text("location"), "http://gate.test/never-followed");
        }
    }
    assert!(!ORIGIN.was_asked_for("/never-followed"), "a redirect was followed");
}

#[test]
fn only_location_is_rewritten() {
    let token = GATE.generate("content-location").token();
    let reply = RawRequest::new("GET", "/redirect/content-location").token(&token).send(&GATE.direct);
    let own = format!("{}/x", ORIGIN.url());
    assert_eq!(
        (reply.status, reply.text("content-location"), reply.text("link")),
        (200, own.clone(), format!("<{own}>"))
    );
}

#[test]
fn compressed_bodies_stay_compressed_or_arrive_readable() {
    let token = GATE.generate("compressed").token();
    let plain = GATE.send("GET", "/gzip", &[("Authorization", &token), ("Accept-Encoding", "identity")], b"");
    assert_eq!((plain.status, plain.text().as_str()), (200, "compressed by the origin"));
    let gzipped = GATE.send("GET", "/gzip", &[("Authorization", &token), ("Accept-Encoding", "gzip")], b"");
    assert_eq!(gzipped.header("content-encoding"), "gzip");
    let mut text = String::new();
    flate2::read::GzDecoder::new(gzipped.body.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text, "compressed by the origin");
}

#[test]
fn redirects_are_handed_back_and_the_origins_own_address_becomes_the_gates() {
    let token = GATE.generate("redirects").token();
    for (kind, location) in [
        ("own", format!("{}/login?next=/app", GATE.url)),
        ("relative", "/login".to_owned()),
        ("elsewhere", "https://elsewhere.test/login".to_owned()),
    ] {
        let reply = GATE.get(&format!("/redirect/{kind}"), &token);
        assert_eq!((reply.status, reply.header("location"), reply.text().as_str()), (302, location.as_str(), "moved"));
    }
    let public = Gate::start(Options::with(&[("PUBLIC_URL", "https://gate.example.test")]));
    let token = public.generate("redirects").token();
    assert_eq!(public.get("/redirect/own", &token).header("location"), "https://gate.example.test/login?next=/app");
}

/// HTTP takes a tab in a status text (RFC 9112 §4), `Response` does not.
#[test]
fn a_status_text_that_cannot_be_kept_costs_nothing_else() {
    let origin = RawOrigin::answering(
        "HTTP/1.1 200 a\tb\r\nContent-Length: 4\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nbody",
    );
    let gate = Gate::start(Options::with(&[("ORIGIN", &origin.url())]));
    let token = gate.generate("status-text").token();
    let reply = RawRequest::new("GET", "/").token(&token).field("X-Request-Id", "status-text-1").send(&gate.direct);
    assert_eq!((reply.status, &*reply.body, reply.text("x-request-id")), (200, &b"body"[..], "status-text-1".into()));
    assert_eq!(reply.values("set-cookie"), [b"a=1", b"b=2"]);
}

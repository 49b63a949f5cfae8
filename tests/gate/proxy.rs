//! What the origin receives, and what comes back.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::harness::{ADMINISTRATOR, GATE, Gate, ORIGIN, Options};

#[test]
fn the_origin_learns_who_it_is_from_the_gate_alone() {
    let keys = GATE.generate_with_roles("identified", &["System Manager", "Überblick"]);
    let token = keys.token();
    let lies = [
        ("Authorization", token.as_str()),
        ("X-Forwarded-User", "evil"),
        ("x-forwarded-user", "evil"),
        ("X_Forwarded_User", "evil"),
        ("X.Forwarded.User", "evil"),
        ("X-Forwarded-Groups", "System Manager"),
        ("X-Forwarded-Host", "evil.test"),
        ("X-Forwarded-Proto", "gopher"),
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Forwarded-Port", "666"),
        ("X-Gatehouse-Assertion", "evil"),
        ("X_GATEHOUSE_ASSERTION", "evil"),
        ("Forwarded", "for=6.6.6.6"),
        ("X-Real-IP", "6.6.6.6"),
        ("X-Original-URL", "/evil"),
        ("X-Rewrite-URL", "/evil"),
        ("X-Frappe-Site-Name", "evil"),
        ("X-Request-Id", "not well formed"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("X-Custom", "kept"),
    ];
    let reply = GATE.send("GET", "/who?q=%20a&b=/../c", &lies, b"");
    assert_eq!(reply.status, 200);
    let received = |name| reply.received(name);
    assert_eq!(received("x-forwarded-user"), ["identified"]);
    assert_eq!(received("x-forwarded-groups"), ["System Manager,%C3%9Cberblick"]);
    assert_eq!(received("x-forwarded-host"), [GATE.authority()]);
    assert_eq!(received("x-forwarded-proto"), ["http"]);
    assert_eq!(received("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(received("host"), [ORIGIN.address.to_string()]);
    assert_eq!(received("traceparent"), ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]);
    assert_eq!(received("x-custom"), ["kept"]);
    assert_eq!(received("x-request-id"), [reply.header("x-request-id")]);
    assert_eq!(reply.json()["target"], "/who?q=%20a&b=/../c");
    assert!(!reply.text().contains("evil") && !reply.text().contains("6.6.6.6"));
    assert!(received("x-forwarded-port").is_empty());
    assert!(received("authorization").is_empty() && !reply.text().contains(&keys.api_secret));
}

#[test]
fn a_well_formed_request_id_is_kept() {
    let token = GATE.generate("request-id").token();
    let reply = GATE.send("GET", "/id", &[("Authorization", &token), ("X-Request-Id", "trace-1.2_3")], b"");
    assert_eq!(
        (reply.received("x-request-id"), reply.header("x-request-id")),
        (vec!["trace-1.2_3".into()], "trace-1.2_3")
    );
}

#[test]
fn what_connection_names_stays_on_its_hop() {
    let token = GATE.generate("connection").token();
    let headers = [("Authorization", token.as_str()), ("Connection", "X-Hop"), ("X-Hop", "1"), ("X-End", "2")];
    let reply = GATE.send("GET", "/hop", &headers, b"");
    assert_eq!((reply.received("x-hop").len(), reply.received("x-end")), (0, vec!["2".to_owned()]));
}

#[test]
fn authorization_is_replaced_or_kept_as_configured() {
    for (variables, expected) in [
        (vec![("ORIGIN_AUTHORIZATION", "token the:origins")], Some("token the:origins")),
        (vec![("FORWARD_CREDENTIALS", "true")], None),
    ] {
        let gate = Gate::start(Options::with(&variables));
        let token = gate.generate("authorization").token();
        let received = gate.get("/authorization", &token).received("authorization");
        assert_eq!(received, [expected.unwrap_or(&token)]);
    }
}

#[test]
fn the_site_name_comes_from_the_configuration() {
    let gate = Gate::start(Options::with(&[("ORIGIN_SITE", "site1.local"), ("ANONYMOUS", "pass")]));
    let reply = gate.send("GET", "/", &[("X-Frappe-Site-Name", "evil")], b"");
    assert_eq!(reply.received("x-frappe-site-name"), ["site1.local"]);
}

#[test]
fn every_method_and_body_goes_through() {
    let token = GATE.generate("methods").token();
    for (method, body) in [
        ("GET", ""),
        ("POST", "body"),
        ("PUT", "body"),
        ("PATCH", "body"),
        ("DELETE", ""),
        ("DELETE", "body"),
        ("OPTIONS", ""),
        ("PROPFIND", ""),
        ("REPORT", "body"),
        ("LOCK", "body"),
    ] {
        let reply = GATE.send(method, "/method", &[("Authorization", &token)], body.as_bytes());
        assert_eq!((reply.status, reply.json()["method"].as_str()), (200, Some(method)));
        assert_eq!(reply.json()["body"]["bytes"], body.len(), "{method}");
    }
    let head = GATE.send("HEAD", "/bytes/1000", &[("Authorization", &token)], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
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
fn responses_come_back_as_the_origin_made_them() {
    let token = GATE.generate("responses").token();
    for code in [200, 201, 204, 206, 304, 400, 401, 403, 404, 418, 429, 500, 503, 599] {
        let reply = GATE.get(&format!("/status/{code}"), &token);
        assert_eq!((reply.status, reply.header("x-origin"), reply.header("etag")), (code, "here", "\"tag\""));
        let body = if matches!(code, 204 | 304) { String::new() } else { format!("status {code}") };
        assert_eq!(reply.text(), body);
    }
    let cookies = GATE.get("/cookies", &token);
    let cookies: Vec<_> = cookies.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(cookies, ["a=1; Path=/", "b=2; Expires=Wed, 01 Jan 2031 00:00:00 GMT"]);
    let latin = GATE.get("/latin", &token);
    assert_eq!((latin.status, latin.text().as_str()), (200, "latin"));
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

#[test]
fn a_path_is_never_taken_for_another_host() {
    let token = GATE.generate("paths").token();
    for (path, target) in [
        ("//evil.test/x", "//evil.test/x"),
        ("/%2f%2fevil.test", "/%2f%2fevil.test"),
        ("/@evil.test", "/@evil.test"),
        ("/a;b=c/d?e;f", "/a;b=c/d?e;f"),
        ("/x?//evil.test", "/x?//evil.test"),
    ] {
        let reply = GATE.get(path, &token);
        assert_eq!((reply.status, reply.json()["target"].as_str()), (200, Some(target)), "{path}");
        assert_eq!(reply.received("host"), [ORIGIN.address.to_string()]);
    }
}

#[test]
fn administrator_is_never_forwarded() {
    let reply = GATE.get("/administrator-forwarded", ADMINISTRATOR);
    assert_eq!((reply.status, reply.exc_type().as_str()), (403, "PermissionError"));
    assert!(!ORIGIN.was_asked_for("administrator-forwarded"));
}

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
fn a_service_binding_takes_the_origins_place() {
    let gate = Gate::start(Options { origin_service: Some(ORIGIN.address.to_string()), ..Options::default() });
    let token = gate.generate("service").token();
    let reply = gate.send("POST", "/service?x=y", &[("Authorization", &token)], b"body");
    assert_eq!((reply.status, reply.json()["target"].as_str()), (200, Some("/service?x=y")));
    assert_eq!(reply.received("x-forwarded-user"), ["service"]);
    assert_eq!(reply.received("host"), [gate.authority()]);
}

/// In production the runtime takes a fetch of the Worker's own address to the zone's origin. Here every fetch is led
/// to the origin, so what can be shown is the URL that was fetched: the request's own.
#[test]
fn a_zone_is_asked_for_the_unchanged_url() {
    let outbound = Some(ORIGIN.address.to_string());
    let gate = Gate::start(Options { outbound, ..Options::with(&[("ORIGIN", "zone")]) });
    let token = gate.generate("zone").token();
    let reply = gate.send("GET", "/zone?x=%2F", &[("Authorization", &token), ("Host", "www.zone.test")], b"");
    assert_eq!((reply.status, reply.json()["target"].as_str()), (200, Some("/zone?x=%2F")));
    assert_eq!(reply.received("host"), ["www.zone.test"]);
    assert_eq!(reply.received("x-forwarded-user"), ["zone"]);
}

#[test]
fn a_request_that_comes_back_to_a_zones_gate_is_stopped() {
    let gate = Gate::start(Options::with(&[("ORIGIN", "zone")]));
    let token = gate.generate("loop").token();
    // Here the gate itself is what its own address leads to.
    assert_eq!(gate.get("/loop", &token).status, 503);
    let reply = gate.send("GET", "/loop", &[("Authorization", &token), ("X-Gatehouse-Loop", "1")], b"");
    assert_eq!((reply.status, reply.exc_type().as_str()), (503, "GatewayLoop"));
}

//! Origins that are slow, broken or gone, and clients that go away.

use std::net::TcpListener;

use crate::harness::{Gate, Options};

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

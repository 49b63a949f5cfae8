//! An origin made of bytes: keeps each request's head as it stood on the wire, and answers what no server would.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::raw::line;

/// A plain answer.
pub const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

pub struct RawOrigin {
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<RawHead>>>,
}

/// The head of a request: its first line, and the lines of its fields.
#[derive(Debug, Clone)]
pub struct RawHead(pub Vec<Vec<u8>>);

impl RawHead {
    /// The target, byte for byte.
    pub fn target(&self) -> &[u8] {
        self.0[0].split(|byte| *byte == b' ').nth(1).unwrap()
    }

    /// The values of a field, byte for byte.
    pub fn values(&self, name: &str) -> Vec<&[u8]> {
        let split = |line: &'_ [u8]| line.iter().position(|byte| *byte == b':');
        let is_named = |line: &&Vec<u8>| split(line).is_some_and(|at| line[..at].eq_ignore_ascii_case(name.as_bytes()));
        self.0[1..].iter().filter(is_named).map(|line| line[name.len() + 1..].trim_ascii()).collect()
    }
}

impl RawOrigin {
    /// Listens on a free port until the tests end. Each connection is for one request, and ends after what `answer`
    /// does.
    pub fn start(answer: impl Fn(&RawHead, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept) = (Arc::new(answer), heads.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, answer, kept) = (stream.unwrap(), answer.clone(), kept.clone());
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    let lines: Vec<_> =
                        std::iter::repeat_with(|| line(&mut reader)).take_while(|line| !line.is_empty()).collect();
                    // A connection that was opened ahead and never used.
                    if lines.is_empty() {
                        return;
                    }
                    let head = RawHead(lines);
                    kept.lock().unwrap().push(head.clone());
                    answer(&head, &mut stream);
                });
            }
        });
        Self { address, heads }
    }

    /// Always answers with these bytes.
    pub fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        // A gate that has read enough may have closed.
        Self::start(move |_, stream| drop(stream.write_all(&bytes)))
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests since the last call.
    pub fn take(&self) -> Vec<RawHead> {
        std::mem::take(&mut self.heads.lock().unwrap())
    }
}

//! Requests as bytes, for what no client sends, and responses as they stood on the wire.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longer than anything here takes; a gate that says nothing fails the test instead of holding it up.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A request that is sent exactly as it was written.
#[derive(Clone)]
pub struct RawRequest {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl RawRequest {
    /// A request to a host that is the gate's in the eyes of this client.
    pub fn new(method: &str, target: impl AsRef<[u8]>) -> Self {
        Self::without_host(method, target).field("Host", "gate.test")
    }

    pub fn without_host(method: &str, target: impl AsRef<[u8]>) -> Self {
        Self { head: [method.as_bytes(), b" ", target.as_ref(), b" HTTP/1.1\r\n"].concat(), body: Vec::new() }
    }

    pub fn field(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.head.extend([name.as_ref(), b": ", value.as_ref(), b"\r\n"].concat());
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.field("Authorization", token)
    }

    /// A body with its length.
    pub fn body(mut self, body: &[u8]) -> Self {
        self = self.field("Content-Length", body.len().to_string());
        body.clone_into(&mut self.body);
        self
    }

    /// A body in pieces.
    pub fn chunks(mut self, chunks: &[&str]) -> Self {
        self = self.field("Transfer-Encoding", "chunked");
        for chunk in chunks {
            self.body.extend(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes());
        }
        self.body.extend(b"0\r\n\r\n");
        self
    }

    /// Sends it and goes on with the connection: the response has still to be read.
    pub fn open(&self, address: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&[&self.head, b"\r\n".as_slice(), &self.body].concat()).unwrap();
        BufReader::new(stream)
    }

    /// Sends it on a connection of its own and reads the response.
    pub fn send(&self, address: &str) -> RawReply {
        let mut stream = self.open(address);
        let head = RawReply::read_head(&mut stream);
        head.read_body(&mut stream, self.head.starts_with(b"HEAD "))
    }
}

/// A response as it stood on the wire, after interim ones.
#[derive(Debug, Default)]
pub struct RawReply {
    pub status: u16,
    pub fields: Vec<(String, Vec<u8>)>,
    /// The body without the signs of its pieces.
    pub body: Vec<u8>,
    /// Whether the body ended as it has to, by its length or its last chunk.
    pub complete: bool,
}

impl RawReply {
    /// A response to anything but HEAD.
    pub fn read(stream: &mut impl BufRead) -> Self {
        Self::read_head(stream).read_body(stream, false)
    }

    pub fn read_head(stream: &mut impl BufRead) -> Self {
        loop {
            let line = text(line(stream));
            let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
            let mut reply = Self { status: status.unwrap_or_else(|| panic!("no status: {line:?}")), ..Self::default() };
            loop {
                let line = self::line(stream);
                let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
                let value = line[colon + 1..].trim_ascii().to_vec();
                reply.fields.push((text(line[..colon].to_vec()).to_ascii_lowercase(), value));
            }
            if reply.status >= 200 || reply.status == 101 {
                return reply;
            }
        }
    }

    fn read_body(mut self, stream: &mut impl BufRead, is_head: bool) -> Self {
        if is_head || matches!(self.status, 101 | 204 | 304) {
            self.complete = true;
        } else if self.text("transfer-encoding") == "chunked" {
            loop {
                let size = text(line(stream));
                let Ok(size) = u64::from_str_radix(&size, 16) else { return self };
                if size == 0 {
                    self.complete = true;
                    return self;
                }
                let read = stream.take(size).read_to_end(&mut self.body);
                if read.is_err() {
                    return self;
                }
                line(stream);
            }
        } else {
            let length: usize = self.text("content-length").parse().expect("a length or chunks");
            let _ = stream.take(length as u64).read_to_end(&mut self.body);
            self.complete = self.body.len() == length;
        }
        self
    }

    /// The values of a field, byte for byte.
    pub fn values(&self, name: &str) -> Vec<&[u8]> {
        self.fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_slice()).collect()
    }

    /// The one value of a field, or "" where it is absent.
    pub fn text(&self, name: &str) -> String {
        self.values(name).first().map_or_else(String::new, |value| text(value.to_vec()))
    }

    pub fn body_text(&self) -> String {
        text(self.body.clone())
    }

    /// What the example origin says it received.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.body_text()))
    }

    /// What the example origin received under a header field's name.
    pub fn received(&self, name: &str) -> Vec<String> {
        let json = self.json();
        let fields = json["headers"].as_array().unwrap_or_else(|| panic!("not from the origin: {json}"));
        let named = fields.iter().filter(|field| field[0] == name);
        named.map(|field| field[1].as_str().unwrap().to_owned()).collect()
    }
}

/// A line without its end; empty at the end of input, which here includes a connection that breaks.
pub fn line(stream: &mut impl BufRead) -> Vec<u8> {
    let mut line = Vec::new();
    let _ = stream.read_until(b'\n', &mut line);
    while matches!(line.last(), Some(b'\r' | b'\n')) {
        line.pop();
    }
    line
}

fn text(bytes: Vec<u8>) -> String {
    bytes.into_iter().map(char::from).collect()
}

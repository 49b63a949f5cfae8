//! An origin that keeps its connections, reads request after request off them by the letter of RFC 9112, and notes what it
//! took each for: a request that hides in another one would be one more here.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub struct RecordingOrigin {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request as the origin took it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The first line.
    pub line: String,
    /// Names in small letters, and values.
    pub fields: Vec<(String, String)>,
    /// The body; nothing where it broke off.
    pub body: Option<String>,
    /// What no request may be like.
    pub malformed: Option<&'static str>,
}

impl Seen {
    pub fn values(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }
}

impl RecordingOrigin {
    /// Listens on a free port until the tests end.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let kept = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, kept) = (stream.unwrap(), kept.clone());
                std::thread::spawn(move || serve(stream, &kept));
            }
        });
        Self { address, seen }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests since the last call.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

fn serve(mut stream: TcpStream, kept: &Mutex<Vec<Seen>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(seen) = read(&mut reader) {
        let is_whole = seen.malformed.is_none() && seen.body.is_some();
        kept.lock().unwrap().push(seen);
        if !is_whole || stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_err() {
            return;
        }
    }
}

/// The next request of a connection, if there is one.
fn read(reader: &mut impl BufRead) -> Option<Seen> {
    let mut seen = Seen { line: line(reader)?, ..Seen::default() };
    loop {
        let Some(line) = line(reader) else { return Some(Seen { malformed: Some("no end of the head"), ..seen }) };
        if line.is_empty() {
            break;
        }
        let field = line.split_once(':').filter(|(name, _)| !name.is_empty() && !name.contains([' ', '\t', '\0']));
        match field {
            Some((name, value)) => seen.fields.push((name.to_ascii_lowercase(), value.trim().to_owned())),
            None => return Some(Seen { malformed: Some("no field"), ..seen }),
        }
    }
    let (lengths, codings) = (seen.values("content-length"), seen.values("transfer-encoding"));
    let body = match (&*lengths, &*codings) {
        ([], []) => Some(Vec::new()),
        ([length], []) if !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit()) => {
            exactly(reader, length.parse().unwrap())
        }
        ([], ["chunked"]) => chunks(reader),
        _ => return Some(Seen { malformed: Some("no clear length"), ..seen }),
    };
    seen.body = body.map(latin);
    Some(seen)
}

fn chunks(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = usize::from_str_radix(&line(reader)?, 16).ok()?;
        body.extend(exactly(reader, size)?);
        if !line(reader)?.is_empty() {
            return None;
        }
        if size == 0 {
            return Some(body);
        }
    }
}

fn exactly(reader: &mut impl Read, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).is_ok().then_some(bytes)
}

/// A line that ends as lines have to.
fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).ok()?;
    line.strip_suffix(b"\r\n").map(|line| latin(line.to_vec()))
}

fn latin(bytes: Vec<u8>) -> String {
    bytes.into_iter().map(char::from).collect()
}

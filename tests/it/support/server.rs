//! A small HTTP server on loopback for tests, on plain threads: it can answer late, break off, hang, and it keeps a log.
//! It is no model of a good server; that is `store.rs`.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path with query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the value of a query parameter.
    pub fn query(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(&format!("http://x{}", self.path)).ok()?;
        let found = url.query_pairs().find(|(known, _)| known == name)?;
        Some(found.1.into_owned())
    }
}

/// An answer, with the ways it can go wrong.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Content-Length as told, where it is a lie; the connection is closed after the body.
    pub told_length: Option<usize>,
    pub delay: Duration,
    /// The pause after each byte of the body.
    pub trickle: Duration,
    /// Whether nothing is ever sent.
    pub hangs: bool,
    /// Whether the connection is closed instead of an answer.
    pub drops: bool,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: body.into(),
            ..Self::status(200)
        }
    }

    /// The page of a store that answers everything it does not have with HTML.
    pub fn page(status: u16) -> Self {
        let body = "<!DOCTYPE html>\n<html><body><h1>Not here</h1><a href=\"ubuntu-2404-kube-v1.34.7.qcow2\">\
                    ubuntu-2404-kube-v1.34.7.qcow2</a></body></html>\n";
        Self {
            body: body.into(),
            ..Self::status(status)
        }
        .with("Content-Type", "text/html; charset=utf-8")
    }

    pub fn redirect(target: &str) -> Self {
        Self::status(302).with("Location", target)
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Tells a longer body than is sent.
    pub fn cut(mut self, told_length: usize) -> Self {
        self.told_length = Some(told_length);
        self
    }

    pub fn hang() -> Self {
        Self {
            hangs: true,
            ..Self::status(200)
        }
    }

    /// Sends one byte after the other, with this pause before each.
    pub fn trickling(mut self, pause: Duration) -> Self {
        self.trickle = pause;
        self
    }

    pub fn drop_connection() -> Self {
        Self {
            drops: true,
            ..Self::status(0)
        }
    }
}

/// One line of the log.
#[derive(Debug, Clone)]
pub struct Logged {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    /// Bytes of the body that were sent.
    pub body_bytes: usize,
}

/// The server; it stops when it is dropped.
pub struct Server {
    port: u16,
    log: Arc<Mutex<Vec<Logged>>>,
    is_stopped: Arc<AtomicBool>,
}

impl Server {
    pub fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            log: Arc::default(),
            is_stopped: Arc::default(),
        };
        let handler = Arc::new(handler);
        let (log, is_stopped) = (server.log.clone(), server.is_stopped.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                if is_stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (handler, log, is_stopped) = (handler.clone(), log.clone(), is_stopped.clone());
                if let Ok(stream) = stream {
                    thread::spawn(move || serve(stream, handler.as_ref(), &log, &is_stopped));
                }
            }
        });
        server
    }

    /// Returns `http://127.0.0.1:PORT`, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn log(&self) -> Vec<Logged> {
        self.log.lock().unwrap().clone()
    }

    pub fn clear_log(&self) {
        self.log.lock().unwrap().clear();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for connections.
        TcpStream::connect(("127.0.0.1", self.port)).ok();
    }
}

/// Returns the URL of a port on which nobody listens.
pub fn refusing_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port())
}

fn serve(
    stream: TcpStream,
    handler: &(impl Fn(&Request) -> Reply + ?Sized),
    log: &Mutex<Vec<Logged>>,
    is_stopped: &AtomicBool,
) {
    stream.set_nodelay(true).ok();
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .ok();
    let Ok(mut output) = stream.try_clone() else {
        return;
    };
    let mut input = BufReader::new(stream);
    while let Some(request) = read_request(&mut input, is_stopped) {
        let reply = handler(&request);
        let is_bodiless = request.method == "HEAD" || matches!(reply.status, 204 | 304);
        log.lock().unwrap().push(Logged {
            method: request.method.clone(),
            path: request.path.clone(),
            headers: request.headers.clone(),
            body_bytes: if is_bodiless { 0 } else { reply.body.len() },
        });
        thread::sleep(reply.delay);
        while reply.hangs && !is_stopped.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(20));
        }
        if reply.drops {
            return;
        }
        let mut bytes = format!("HTTP/1.1 {} Whatever\r\n", reply.status).into_bytes();
        for (name, value) in &reply.headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        let length = reply.told_length.unwrap_or(reply.body.len());
        if !matches!(reply.status, 204 | 304) {
            bytes.extend_from_slice(format!("Content-Length: {length}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        if !is_bodiless && reply.trickle.is_zero() {
            bytes.extend_from_slice(&reply.body);
        } else if !is_bodiless {
            if trickle(&mut output, &bytes, &reply).is_err() {
                return;
            }
            continue;
        }
        let is_lie = reply.told_length.is_some() && !is_bodiless;
        if output.write_all(&bytes).is_err() || is_lie {
            return;
        }
    }
}

/// Sends a head, and the body byte by byte.
fn trickle(output: &mut TcpStream, head: &[u8], reply: &Reply) -> std::io::Result<()> {
    output.write_all(head)?;
    for byte in &reply.body {
        thread::sleep(reply.trickle);
        output.write_all(&[*byte])?;
    }
    Ok(())
}

fn read_request(input: &mut BufReader<TcpStream>, is_stopped: &AtomicBool) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let line = read_line(input, is_stopped)?;
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let mut words = lines.first()?.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers: Vec<(String, String)> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let mut request = Request {
        method,
        path,
        headers,
        body: Vec::new(),
    };
    if request.header("expect").is_some() {
        input
            .get_mut()
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .ok()?;
    }
    let is_chunked = request.header("transfer-encoding") == Some("chunked");
    let length = request.header("content-length");
    let length = length.and_then(|value| value.parse().ok()).unwrap_or(0);
    request.body = if is_chunked {
        read_chunks(input, is_stopped)?
    } else {
        read_bytes(input, length, is_stopped)?
    };
    Some(request)
}

/// Reads a line without its end.
fn read_line(input: &mut BufReader<TcpStream>, is_stopped: &AtomicBool) -> Option<String> {
    let mut line = String::new();
    loop {
        match input.read_line(&mut line) {
            Ok(0) => return None,
            Ok(_) => return Some(line.trim_end().to_owned()),
            Err(error) if waits(&error) && !is_stopped.load(Ordering::Relaxed) => {}
            Err(_) => return None,
        }
    }
}

fn read_bytes(
    input: &mut BufReader<TcpStream>,
    length: usize,
    is_stopped: &AtomicBool,
) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match input.read(&mut bytes[filled..]) {
            Ok(0) => return None,
            Ok(count) => filled += count,
            Err(error) if waits(&error) && !is_stopped.load(Ordering::Relaxed) => {}
            Err(_) => return None,
        }
    }
    Some(bytes)
}

fn read_chunks(input: &mut BufReader<TcpStream>, is_stopped: &AtomicBool) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&read_line(input, is_stopped)?, 16).ok()?;
        body.extend(read_bytes(input, length, is_stopped)?);
        read_line(input, is_stopped)?;
        if length == 0 {
            return Some(body);
        }
    }
}

fn waits(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

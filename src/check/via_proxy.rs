//! Sends requests through the proxy, to the domain that visitors use.
//!
//! HTTPS requests are sent by openssl: this program contains no TLS implementation that would need security updates.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::{AGENT, addresses};
use crate::host::Host;
use crate::host::command::{Cmd, Programs};

/// The longest time for one response, in seconds.
const WITHIN: u64 = 30;

/// The largest part of a response that is read, in bytes.
const LONGEST: u64 = 4 * 1024 * 1024;

/// A frame that closes a websocket at once (RFC 6455, 5.5.1), masked with zeros.
const CLOSE: &[u8] = &[0x88, 0x80, 0, 0, 0, 0];

/// Sends a request as a visitor does: to the loopback address, and to the addresses of this server that `domain`
/// resolves to. If `domain` resolves to none of them (a router or a proxy in front of the server forwards visitors),
/// one of this server's addresses must return `status`.
///
/// # Errors
/// If another status is returned, or none.
pub(super) async fn visit(
    host: &Host,
    domain: &str,
    trust: Option<&str>,
    path: &str,
    status: u16,
) -> Result<(), String> {
    let ask = async |address: IpAddr| {
        let found = self::status(host, address, domain, trust, path, status == 101).await?;
        if found == status {
            Ok(())
        } else {
            Err(format!("it answers {found}"))
        }
    };
    ask(Ipv4Addr::LOCALHOST.into()).await?;
    let own = addresses::own(host).map_err(|e| crate::text::error::chain(&e))?;
    let led = match own.as_slice() {
        [] | [_] => own.clone(),
        _ => addresses::led_to(host, domain, &own).await,
    };
    let (asked, all) = if led.is_empty() {
        (own, false)
    } else {
        (led, true)
    };
    let mut wrong = None;
    for address in asked {
        match ask(address).await {
            Ok(()) if all => (),
            Ok(()) => return Ok(()),
            Err(detail) => {
                let port = if trust.is_some() { 443 } else { 80 };
                let detail = format!(
                    "at {}, where visitors arrive, {detail}; another program or site may have that address \
                     (`ss -ltnp`, `nginx -T`)",
                    SocketAddr::new(address, port)
                );
                if all {
                    return Err(detail);
                }
                wrong.get_or_insert(detail);
            }
        }
    }
    wrong.map_or(Ok(()), Err)
}

/// Requests `path` of `domain` at `address` and returns the status. With `trust`, sends the request by HTTPS; if
/// `trust` is not empty, an authority in that file must have signed the certificate.
///
/// # Errors
/// If no HTTP response comes.
async fn status(
    host: &Host,
    address: IpAddr,
    domain: &str,
    trust: Option<&str>,
    path: &str,
    websocket: bool,
) -> Result<u16, String> {
    let mut request =
        format!("GET {path} HTTP/1.1\r\nHost: {domain}\r\nUser-Agent: {AGENT}\r\n").into_bytes();
    if websocket {
        let scheme = if trust.is_some() { "https" } else { "http" };
        let more = format!(
            "Connection: Upgrade\r\nUpgrade: websocket\r\nOrigin: {scheme}://{domain}\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: b2Rvby1kZXBsb3ktY2hlYw==\r\n\r\n"
        );
        request.extend(more.into_bytes());
        request.extend(CLOSE);
    } else {
        request.extend(b"Connection: close\r\n\r\n");
    }
    let answer = match trust {
        Some(trust) => by_https(host, address, domain, trust, request).await,
        None => by_http(host, address, request).await,
    }?;
    let first = answer.lines().next().unwrap_or_default();
    let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
    // names openssl, in case the fault is its own
    let by = trust.map_or("", |_| ", by `openssl s_client`");
    status.ok_or_else(|| format!("it answers nothing that is HTTP{by}"))
}

async fn by_https(
    host: &Host,
    address: IpAddr,
    domain: &str,
    trust: &str,
    request: Vec<u8>,
) -> Result<String, String> {
    let mut ask = Cmd::new("openssl")
        .args(["s_client", "-quiet", "-connect"])
        .arg(SocketAddr::new(address, 443).to_string())
        .args(["-servername", domain])
        .stdin(request)
        .deadline(WITHIN);
    if !trust.is_empty() {
        ask = ask
            .args(["-CAfile", trust, "-verify_hostname", domain])
            .arg("-verify_return_error");
    }
    let answer = host
        .run(&ask)
        .await
        .map_err(|e| crate::text::error::chain(&e))?;
    Ok(answer.stdout)
}

async fn by_http(host: &Host, address: IpAddr, request: Vec<u8>) -> Result<String, String> {
    if let Programs::Model(_) = host.programs() {
        let place = format!("http://{}", SocketAddr::new(address, 80));
        let ask = Cmd::new("GET").arg(place).stdin(request);
        return host
            .run(&ask)
            .await
            .map(|answer| answer.stdout)
            .map_err(|e| e.to_string());
    }
    let ask = move || -> std::io::Result<String> {
        let mut stream =
            TcpStream::connect_timeout(&SocketAddr::new(address, 80), Duration::from_secs(WITHIN))?;
        stream.set_read_timeout(Some(Duration::from_secs(WITHIN)))?;
        stream.write_all(&request)?;
        let mut answer = Vec::new();
        stream.take(LONGEST).read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = tokio::task::spawn_blocking(ask).await;
    let answer = answer.map_err(|e| e.to_string())?;
    answer.map_err(|e| format!("no answer from port 80: {e}"))
}

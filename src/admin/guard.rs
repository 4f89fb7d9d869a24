//! Who sends a request, and whether he may.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::token::Tokens;

/// The address that a request came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Who asks: the name of his token, else `admin@` and his address.
#[derive(Debug, Clone)]
pub(super) struct Actor(pub(super) Arc<str>);

/// Names the actor, or refuses.
pub(super) async fn check(State(tokens): State<Option<Arc<Tokens>>>, mut request: Request, next: Next) -> Response {
    if is_cross_site(request.headers()) {
        return Problem::new(StatusCode::FORBIDDEN, "requests from other sites' pages are refused").into_response();
    }
    let is_probe = matches!(request.uri().path(), "/healthz" | "/readyz");
    if tokens.is_none() && !is_probe && !is_addressed(request.headers()) {
        let detail = "without admin.tokens the Host must be an IP address or localhost";
        return Problem::new(StatusCode::FORBIDDEN, detail).into_response();
    }
    let actor = match &tokens {
        Some(tokens) if !is_probe => {
            let authorization = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
            match authorization.and_then(|value| tokens.name_of(value)) {
                Some(name) => name,
                None => return unauthorized(authorization.is_some()),
            }
        }
        _ => match request.extensions().get::<Peer>() {
            Some(Peer(address)) => format!("admin@{}", address.ip()).into(),
            None => "admin".into(),
        },
    };
    request.extensions_mut().insert(Actor(actor));
    next.run(request).await
}

/// A page of another site must not drive a port on the operator's own machine: browsers add `Origin` to what such a
/// page sends.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let host = headers.get(header::HOST).map_or(&b""[..], HeaderValue::as_bytes);
    let origin = origin.as_bytes();
    origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://")) != Some(host)
}

/// A page of another site can have its own name lead to a loopback address; then its Origin and Host agree. But it cannot
/// have the browser name an address, which nobody can make lead elsewhere.
fn is_addressed(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter().peekable();
    hosts.peek().is_some() && hosts.all(|host| host.to_str().is_ok_and(is_address))
}

/// `127.0.0.1`, `[::1]` or `localhost`, each with or without port.
fn is_address(host: &str) -> bool {
    let bare_ipv6 = || host.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost")
        || host.parse::<SocketAddr>().is_ok()
        || matches!(host.parse(), Ok(IpAddr::V4(_)))
        || bare_ipv6().is_some()
}

fn unauthorized(has_token: bool) -> Response {
    let (detail, challenge) = if has_token {
        ("the token is not known", "Bearer error=\"invalid_token\"")
    } else {
        ("a token is required", "Bearer")
    };
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, detail).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

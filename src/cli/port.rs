//! The admin port as a client sees it.

use std::fs;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use ureq::http::{Request, Response};
use ureq::{Agent, Body, SendBody};

use super::failure::{Failure, Refused};
use crate::{admin, config};

/// Where the admin port of the running daemon is, and who asks.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Port {
    /// The admin port, such as http://127.0.0.1:8060; omitted: that of the config.
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// A file that holds a token and nothing else; omitted: the environment's RINGFENCE_TOKEN, else a token that stands in
    /// the config's file of tokens as it is.
    #[arg(long, global = true, value_name = "PATH")]
    pub token_file: Option<PathBuf>,
    /// Which token of the config's file to use, where there are several.
    #[arg(long = "as", global = true, value_name = "NAME")]
    pub name: Option<String>,
    /// Print the JSON that the daemon answers.
    #[arg(long, global = true)]
    pub json: bool,
}

/// The token of the environment.
pub(super) const TOKEN_VARIABLE: &str = "RINGFENCE_TOKEN";

/// Asks the admin port.
pub(super) struct Client {
    agent: Agent,
    url: String,
    token: Option<String>,
}

impl Client {
    /// Finds out where to ask and as whom. Nothing is sent yet.
    pub(super) fn new(config: &Path, port: &Port, token: Option<String>) -> Result<Client, Failure> {
        let from_environment = token.filter(|token| !token.is_empty());
        let given = match &port.token_file {
            Some(path) => Some(token_of(path)?),
            None => from_environment,
        };
        let (url, token) = match &port.url {
            // Tokens of this machine's daemon are for no other.
            Some(url) => (url.trim_end_matches('/').to_owned(), given),
            None => {
                let admin = config::settings(config).map_err(Failure::Config)?.admin;
                let token = match given {
                    Some(token) => Some(token),
                    None => configured(&admin, port.name.as_deref())?,
                };
                (format!("http://{}", reachable(admin.listen)), token)
            }
        };
        if !url.starts_with("http://") {
            return Err(Failure::Scheme);
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            // Numbers of people are for the daemon, not for a proxy of the environment.
            .proxy(None)
            .timeout_connect(Some(CONNECT))
            .build()
            .into();
        Ok(Client { agent, url, token })
    }

    pub(super) fn get(&self, at: &At) -> Result<Answer, Failure> {
        self.ask("GET", at, Vec::new())
    }

    pub(super) fn post(&self, at: &At, body: impl Into<Vec<u8>>) -> Result<Answer, Failure> {
        self.ask("POST", at, body.into())
    }

    pub(super) fn put(&self, at: &At, body: impl Into<Vec<u8>>) -> Result<Answer, Failure> {
        self.ask("PUT", at, body.into())
    }

    pub(super) fn delete(&self, at: &At) -> Result<(), Failure> {
        self.ask("DELETE", at, Vec::new()).map(|_| ())
    }

    /// Sends a body as it is read.
    pub(super) fn upload(&self, at: &At, body: impl Read + 'static) -> Result<Answer, Failure> {
        self.send("POST", at, SendBody::from_owned_reader(body)).and_then(Answer::new)
    }

    /// Gives the answer's body to be read as it comes.
    pub(super) fn download(&self, at: &At) -> Result<impl Read + use<>, Failure> {
        let response = self.send("GET", at, SendBody::none())?;
        Ok(response.into_body().into_with_config().limit(u64::MAX).reader())
    }

    fn ask(&self, method: &str, at: &At, body: Vec<u8>) -> Result<Answer, Failure> {
        self.send(method, at, SendBody::from_owned_reader(io::Cursor::new(body))).and_then(Answer::new)
    }

    fn send(&self, method: &str, at: &At, body: SendBody<'static>) -> Result<Response<Body>, Failure> {
        let mut request = Request::builder().method(method).uri(format!("{}{}", self.url, at.0));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let request = request.body(body).map_err(|_| Failure::Scheme)?;
        let response = self.agent.run(request).map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(refused(response)) }
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let why = match error {
            ureq::Error::Io(error) => error.kind().to_string(),
            other => other.to_string(),
        };
        Failure::Unreachable { url: self.url.clone(), why }
    }
}

/// A path of the admin port with its query.
pub(super) struct At(String);

impl At {
    /// Below `/v1`.
    pub(super) fn new(segments: &[&str]) -> At {
        let segments = segments.iter().map(|segment| format!("/{}", utf8_percent_encode(segment, ESCAPED)));
        At(format!("/v1{}", segments.collect::<String>()))
    }

    /// Adds a parameter, where there is something to say.
    pub(super) fn with(mut self, name: &str, value: Option<impl AsRef<str>>) -> At {
        if let Some(value) = value {
            let between = if self.0.contains('?') { '&' } else { '?' };
            self.0 += &format!("{between}{name}={}", utf8_percent_encode(value.as_ref(), ESCAPED));
        }
        self
    }
}

/// What the admin port answers when it does what it was asked.
pub(super) struct Answer {
    pub(super) text: String,
}

impl Answer {
    fn new(response: Response<Body>) -> Result<Answer, Failure> {
        text_of(response).map(|text| Answer { text })
    }

    /// What of it is to be shown.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.text).map_err(|_| Failure::Foreign)
    }
}

/// Whatever answers so is Ringfence, or something before it.
fn refused(response: Response<Body>) -> Failure {
    let status = response.status().as_u16();
    match text_of(response) {
        Ok(text) => Failure::Refused(serde_json::from_str(&text).unwrap_or_else(|_| Refused::bare(status))),
        Err(failure) => failure,
    }
}

fn text_of(response: Response<Body>) -> Result<String, Failure> {
    let text = response.into_body().into_with_config().limit(LONGEST_ANSWER).read_to_string();
    text.map_err(|_| Failure::Foreign)
}

fn token_of(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    Ok(text.trim().to_owned())
}

/// A token of the config's file: the named one, or the only one. The trail tells who did something by it.
fn configured(admin: &admin::Config, name: Option<&str>) -> Result<Option<String>, Failure> {
    if admin.tokens.is_none() {
        return Ok(None);
    }
    let mut tokens = admin::plain_tokens(admin).map_err(|error| Failure::Tokens { error })?;
    tokens.retain(|(own, _)| name.is_none_or(|name| **own == *name));
    match tokens.len() {
        0 => Err(Failure::NoToken),
        1 => Ok(tokens.pop().map(|(_, token)| token)),
        _ => Err(Failure::SeveralTokens(tokens.into_iter().map(|(name, _)| name).collect())),
    }
}

/// The address by which a listener on all addresses is reached from its own machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// What RFC 3986 section 2.3 leaves as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// On a machine's own addresses a connection is there at once; elsewhere a lost packet is sent again in that time.
const CONNECT: Duration = Duration::from_secs(5);

/// The largest page of entries with the longest descriptions has a third of it.
const LONGEST_ANSWER: u64 = 64 << 20;

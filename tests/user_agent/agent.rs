//! A user agent that does what RFC 3261 section 12 says and nothing else: it sends by its Route set, to the Contact of the
//! other side, by the transport that the first Route names, and takes a message to be its own by dialog and branch.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use rsip::headers::{CSeq, CallId, Contact, ContentLength, From, MaxForwards, Route, To, UntypedHeader, Via};
use rsip::message::{HasHeaders, HeadersExt};
use rsip::{Header, Headers, SipMessage, Uri};

use crate::link::{Back, Link};

pub(crate) struct Agent {
    link: Link,
    user: String,
    branches: u32,
    /// Branch and CSeq of requests that came: a second copy is a retransmission.
    seen: HashSet<String>,
}

/// A request that came, and the way it came.
pub(crate) struct Incoming {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: Headers,
    back: Back,
}

/// One side of a dialog (section 12.1).
#[derive(Debug, Clone)]
pub(crate) struct Dialog {
    call_id: String,
    /// From of requests that we send, with our tag.
    pub(crate) local: String,
    /// To of requests that we send, with the other side's tag.
    pub(crate) remote: String,
    sequence: u32,
    /// CSeq of our last INVITE, which its ACK has (section 13.2.2.4).
    invited: u32,
    pub(crate) remote_target: String,
    pub(crate) route_set: Vec<String>,
}

impl Agent {
    pub(crate) fn udp(ip: &str, user: &str) -> Agent {
        Agent::with(Link::udp(address(ip)), user)
    }

    pub(crate) fn tcp(ip: &str, user: &str) -> Agent {
        Agent::with(Link::tcp(address(ip)), user)
    }

    fn with(link: Link, user: &str) -> Agent {
        Agent { link, user: user.to_owned(), branches: 0, seen: HashSet::new() }
    }

    /// Moves to another port, as behind an address translation that has forgotten it.
    pub(crate) fn move_to_new_port(&mut self) {
        assert!(self.link.is_udp());
        self.link = Link::udp(self.link.local.ip());
    }

    /// `to` of a trunk that means this agent.
    pub(crate) fn trunk_uri(&self) -> String {
        format!("sip:{}{}", self.link.local, self.transport_parameter())
    }

    pub(crate) fn contact(&self) -> String {
        format!("sip:{}@{}{}", self.user, self.link.local, self.transport_parameter())
    }

    fn transport_parameter(&self) -> &'static str {
        if self.link.is_udp() { "" } else { ";transport=tcp" }
    }

    /// Calls a number through the proxy. `call_id` must be new.
    pub(crate) fn invite(&mut self, proxy: SocketAddr, callee: &str, call_id: &str, more: Vec<Header>) -> Dialog {
        let dialog = Dialog {
            call_id: call_id.to_owned(),
            local: format!("\"A {}\" <sip:{}@caller.example.net>;tag=caller-tag", self.user, self.user),
            remote: format!("<sip:{callee}@{proxy}>"),
            sequence: 1,
            invited: 1,
            remote_target: format!("sip:{callee}@{proxy}"),
            route_set: Vec::new(),
        };
        self.put(&dialog, "INVITE", proxy, more);
        dialog
    }

    /// Sends a request inside a dialog by section 12.2.1.1.
    pub(crate) fn request(&mut self, dialog: &mut Dialog, method: &str) {
        if method != "ACK" {
            dialog.sequence += 1;
        }
        if method == "INVITE" {
            dialog.invited = dialog.sequence;
        }
        let next = dialog.route_set.first().unwrap_or(&dialog.remote_target);
        let uri = uri_in(next);
        if let Some(first) = dialog.route_set.first() {
            assert!(first.contains(";lr"), "a loose router: {first}");
        }
        // Who speaks one transport can only follow a Route that names it.
        let names_tcp = uri.contains("transport=tcp");
        assert_eq!(names_tcp, !self.link.is_udp(), "{uri}");
        let to = host_port(&uri);
        let dialog = dialog.clone();
        self.put(&dialog, method, to, Vec::new());
    }

    fn put(&mut self, dialog: &Dialog, method: &str, to: SocketAddr, more: Vec<Header>) {
        self.branches += 1;
        let transport = if self.link.is_udp() { "UDP" } else { "TCP" };
        let branch = format!("z9hG4bK-{}-{}", self.link.local.port(), self.branches);
        let mut headers = Headers::default();
        headers.push(Via::new(format!("SIP/2.0/{transport} {};branch={branch};rport", self.link.local)).into());
        headers.push(MaxForwards::new("70").into());
        for route in &dialog.route_set {
            headers.push(Route::new(route.clone()).into());
        }
        headers.push(From::new(dialog.local.clone()).into());
        headers.push(To::new(dialog.remote.clone()).into());
        headers.push(CallId::new(dialog.call_id.clone()).into());
        let number = if method == "ACK" { dialog.invited } else { dialog.sequence };
        headers.push(CSeq::new(format!("{number} {method}")).into());
        headers.push(Contact::new(format!("<{}>", self.contact())).into());
        more.into_iter().for_each(|header| headers.push(header));
        headers.push(ContentLength::new("0").into());
        let request = rsip::Request {
            method: known(method),
            uri: Uri::try_from(dialog.remote_target.as_str()).expect("a URI"),
            version: rsip::Version::V2,
            headers,
            body: Vec::new(),
        };
        // rsip builds no methods but the fourteen it knows.
        let text = request.to_string().replacen(&known(method).to_string(), method, 1);
        self.link.send(to, text.as_bytes());
    }

    /// The next request that is no retransmission; it must be of this method.
    pub(crate) fn expect_request(&mut self, method: &str) -> Incoming {
        loop {
            let (bytes, back) = self.link.receive();
            let text = String::from_utf8(bytes).expect("text");
            if text.starts_with("SIP/2.0") {
                // A provisional or repeated response.
                continue;
            }
            let (line, rest) = text.split_once("\r\n").expect("a start line");
            let mut words = line.split(' ');
            let (given, uri) = (words.next().expect("a method"), words.next().expect("a URI"));
            // rsip reads no other methods than those it knows.
            let readable = format!("{} {uri} SIP/2.0\r\n{rest}", known(given))
                .replace(&format!(" {given}\r\n"), &format!(" {}\r\n", known(given)));
            let message = rsip::Request::try_from(readable.as_str()).expect("rsip reads what we are sent");
            let via = message.via_header().expect("a Via").value().to_owned();
            if !self.seen.insert(format!("{given} {via}")) {
                continue;
            }
            assert_eq!(given, method, "{text}");
            return Incoming { method: given.to_owned(), uri: uri.to_owned(), headers: message.headers, back };
        }
    }

    /// Answers with our tag and Contact (sections 8.2.6 and 12.1.1).
    pub(crate) fn respond(&mut self, incoming: &Incoming, status: u16, more: Vec<Header>) {
        let mut headers = Headers::default();
        for header in incoming.headers.iter() {
            match header {
                Header::To(to) if !to.value().contains(";tag=") => {
                    headers.push(To::new(format!("{};tag=callee-tag", to.value())).into());
                }
                Header::Via(_) | Header::RecordRoute(_) | Header::From(_) | Header::To(_) | Header::CallId(_) => {
                    headers.push(header.clone());
                }
                Header::CSeq(cseq) => {
                    let number = cseq.value().split(' ').next().unwrap_or_default();
                    headers.push(CSeq::new(format!("{number} {}", incoming.method)).into());
                }
                _ => {}
            }
        }
        headers.push(Contact::new(format!("<{}>", self.contact())).into());
        more.into_iter().for_each(|header| headers.push(header));
        headers.push(ContentLength::new("0").into());
        let response = rsip::Response {
            status_code: rsip::StatusCode::from(status),
            version: rsip::Version::V2,
            headers,
            body: Vec::new(),
        };
        self.link.send_back(&incoming.back, response.to_string().as_bytes());
    }

    /// The next response; 100 is passed over unless it is what is waited for.
    pub(crate) fn expect_response(&mut self, status: u16) -> rsip::Response {
        loop {
            let (bytes, _) = self.link.receive();
            let text = String::from_utf8(bytes).expect("text");
            // In CSeq stands a method that rsip may not know; it reads that only when asked.
            let Ok(SipMessage::Response(response)) = SipMessage::try_from(text.as_str()) else {
                panic!("no response: {text}")
            };
            if response.status_code.code() == 100 && status != 100 {
                continue;
            }
            assert_eq!(response.status_code.code(), status, "{text}");
            let vias = response.headers.iter().filter(|header| matches!(header, Header::Via(_))).count();
            assert_eq!(vias, 1, "only our own Via is left: {text}");
            return response;
        }
    }

    /// The caller's dialog when the callee has answered (section 12.1.2).
    pub(crate) fn established(&self, dialog: Dialog, response: &rsip::Response) -> Dialog {
        assert_eq!(response.from_header().expect("From").value(), dialog.local, "From is what we sent");
        let mut route_set = record_route(response.headers());
        route_set.reverse();
        Dialog {
            remote: response.to_header().expect("To").value().to_owned(),
            remote_target: contact_of(response.headers()),
            route_set,
            ..dialog
        }
    }

    /// The callee's dialog when it has answered (section 12.1.1).
    pub(crate) fn accepted(&self, invite: &Incoming) -> Dialog {
        let to = header(&invite.headers, "To");
        Dialog {
            call_id: header(&invite.headers, "Call-ID"),
            local: format!("{to};tag=callee-tag"),
            remote: header(&invite.headers, "From"),
            sequence: 100,
            invited: 0,
            remote_target: contact_of(&invite.headers),
            route_set: record_route(&invite.headers),
        }
    }
}

/// The value of the first header of a name.
pub(crate) fn header(headers: &Headers, name: &str) -> String {
    all(headers, name).into_iter().next().unwrap_or_else(|| panic!("no {name} in {headers}"))
}

/// The values of all headers of a name.
pub(crate) fn all(headers: &Headers, name: &str) -> Vec<String> {
    let lines = headers.iter().map(ToString::to_string);
    let pairs = lines.filter_map(|line| line.split_once(": ").map(|(key, value)| (key.to_owned(), value.to_owned())));
    pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).collect()
}

fn record_route(headers: &Headers) -> Vec<String> {
    let values = all(headers, "Record-Route");
    values.iter().flat_map(|value| value.split(',')).map(|value| value.trim().to_owned()).collect()
}

fn contact_of(headers: &Headers) -> String {
    uri_in(&header(headers, "Contact"))
}

/// The URI of `<uri>;params`, or the whole of an addr-spec.
fn uri_in(value: &str) -> String {
    let inner = value.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or(value, |(uri, _)| uri).to_owned()
}

fn host_port(uri: &str) -> SocketAddr {
    let rest = uri.strip_prefix("sip:").expect("a sip URI");
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    rest.split(';').next().and_then(|host| host.parse().ok()).unwrap_or_else(|| panic!("no address and port in {uri}"))
}

fn known(method: &str) -> rsip::Method {
    method.parse().unwrap_or(rsip::Method::Info)
}

fn address(ip: &str) -> IpAddr {
    ip.parse().expect("an address")
}
